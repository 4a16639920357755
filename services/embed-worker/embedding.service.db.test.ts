import { AppError } from '@memory-layer/shared/errors/app-error';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenant } from './testing/embedding-fixture.ts';
import { away, createService, hang, maxAttempts, never, pauseMs } from './testing/test-service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const texts = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);
const nothing = { leased: 0, embedded: 0, deferred: 0, retried: 0, failed: 0 };

describe('a job', () => {
  test('has a batch embedded, and notifies again when there may be more', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(5));
    const { embedDue, notified } = createService(database.db, { batchSize: 3 });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 3, embedded: 3 });
    expect(notified).toEqual([tenant.tenantId]);
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 2, embedded: 2 });
    expect(await embedDue(tenant.work, never)).toEqual(nothing);
    expect(notified).toHaveLength(1);
    expect(Object.keys(await tenant.vectors())).toEqual(ids);
    expect((await tenant.pending()).size).toBe(0);
  });

  test.each([
    ['a name', '{"speaker":"Ana"}', 'Ana: I moved.'],
    ['no text', '{"speaker":7}', 'I moved.'],
    ['a list', '{"speaker":["Ana"]}', 'I moved.'],
    ['no name any more', JSON.stringify({ speaker: 'A'.repeat(257) }), 'I moved.'],
  ])('has the model see who speaks: %s', async (_, metadata, seen) => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add('I moved.');
    await database.db.updateTable('message').set({ metadata }).where('id', 'in', ids).execute();
    const { embedDue, scripted } = createService(database.db);
    expect(await embedDue(tenant.work, never)).toMatchObject({ embedded: 1 });
    expect(scripted.calls.flatMap((call) => call.texts)).toEqual([seen]);
  });

  test('never has content in the logs', async () => {
    const tenant = createTenant(database.db);
    await tenant.add('a secret word');
    const { embedDue, scripted, lines } = createService(database.db);
    scripted.failFor(
      (text) => text.includes('secret'),
      () => Promise.reject(new AppError('embedding_rejected', 'NaN')),
    );
    await embedDue(tenant.work, never);
    expect(lines.join('')).toContain('message cannot be embedded');
    expect(lines.join('')).not.toContain('secret');
  });
});

describe('a poison text', () => {
  test('ends failed alone, with its reason, while the others of its batch are completed', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(40), 'poison', ...texts(23));
    const { embedDue, scripted } = createService(database.db);
    const refusal = new AppError('embedding_rejected', 'Vector 0 of 1 is zero.');
    scripted.failFor(
      (text) => text === 'poison',
      () => Promise.reject(refusal),
    );
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 64, embedded: 63, failed: 1 });
    expect(Object.keys(await tenant.vectors())).toEqual(ids.filter((id) => id !== ids[40]));
    expect([...(await tenant.pending()).values()]).toMatchObject([
      { message_id: ids[40], state: 'failed', attempts: 1, last_error: refusal.message, leased_until: null },
    ]);
    expect(await embedDue(tenant.work, never)).toEqual(nothing);
  });

  test('that only takes too long is tried again with growing pauses, and then ends failed', async () => {
    const tenant = createTenant(database.db);
    const [, slow = ''] = await tenant.add('fine', 'slow');
    const { embedDue, scripted } = createService(database.db, { guard: { timeoutMs: 20 } });
    scripted.failFor((text) => text === 'slow', hang);
    for (let attempt = 1; attempt < maxAttempts; attempt++) {
      expect(await embedDue(tenant.work, never)).toMatchObject({ retried: 1, failed: 0 });
      expect((await tenant.pending()).get(slow)).toMatchObject({ state: 'pending', attempts: attempt });
      // Half of the longest pause, since the jitter is fixed at one half.
      const pause = (pauseMs / 1000) * 2 ** (attempt - 2);
      const left = await tenant.secondsUntilDue(slow);
      expect(left).toBeLessThanOrEqual(pause);
      expect(left).toBeGreaterThan(pause * 0.8);
      await tenant.waitOver();
    }
    expect(await embedDue(tenant.work, never)).toMatchObject({ retried: 0, failed: 1 });
    expect([...(await tenant.pending()).values()]).toMatchObject([
      { message_id: slow, state: 'failed', last_error: 'The passage embedder took longer than 20 ms.' },
    ]);
    expect(Object.keys(await tenant.vectors())).toHaveLength(1);
  });
});

describe('texts that take too long', () => {
  test('do not open the circuit while the embedder works for others, however many they are', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...Array.from({ length: 30 }, (_, n) => `slow ${n}`), ...texts(10));
    const guard = { timeoutMs: 20, failureThreshold: 2 };
    const { embedDue, scripted, guarded } = createService(database.db, { guard });
    scripted.failFor((text) => text.startsWith('slow'), hang);
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 40, embedded: 10, retried: 30 });
    expect(guarded.breakerState()).toBe('closed');
    expect(Object.keys(await tenant.vectors())).toEqual(ids.slice(30));
    for (const row of nonEmpty((await tenant.pending()).values())) {
      expect(row).toMatchObject({ attempts: 1, state: 'pending' });
    }
  });

  test('and keep the embedder from answering to anything end failed, though it looks as if it were away', async () => {
    const tenant = createTenant(database.db);
    const [stuck = '', fine = ''] = await tenant.add('stuck', 'fine');
    const other = createTenant(database.db);
    const { embedDue, scripted } = createService(database.db, { guard: { timeoutMs: 20 } });
    const answer = scripted.answer;
    let isStuck = false;
    scripted.answer = (batch, options) => {
      isStuck ||= batch.includes('stuck');
      return isStuck ? hang(options.signal) : answer(batch, options);
    };
    const outcomes: string[] = [];
    for (let round = 0; round < 2 * maxAttempts && (await tenant.pending()).get(stuck)?.state !== 'failed'; round++) {
      const { deferred, retried, failed } = await embedDue(tenant.work, never);
      outcomes.push(`${deferred} ${retried} ${failed}`);
      // Later it works again, until it is given the same text.
      isStuck = false;
      await other.add(`another ${round}`);
      expect(await embedDue(other.work, never)).toMatchObject({ embedded: 1 });
      await tenant.waitOver();
    }
    expect((await tenant.pending()).get(stuck)).toMatchObject({
      state: 'failed',
      attempts: maxAttempts,
      last_error: 'The passage embedder took longer than 20 ms.',
    });
    while ((await embedDue(tenant.work, never)).leased > 0);
    expect(Object.keys(await tenant.vectors())).toEqual([fine]);
  });
});

describe('an embedder that is away', () => {
  test.each([
    ['refuses connections', () => Promise.reject(away()), 'connection refused'],
    ['hangs', hang, 'The passage embedder took longer than 20 ms.'],
  ])('because it %s defers everything, burns no attempts, and all is well when it is back', async (_, fail, reason) => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(3));
    const { embedDue, scripted, guarded } = createService(database.db, { guard: { timeoutMs: 20 } });
    const answer = scripted.answer;
    scripted.failFor(() => true, fail);
    for (let outage = 0; outage < maxAttempts + 2; outage++) {
      expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 3, deferred: 3 });
      await tenant.waitOver();
    }
    for (const row of nonEmpty((await tenant.pending()).values())) {
      expect(row).toMatchObject({ state: 'pending', attempts: 0, leased_until: null, last_error: reason });
    }
    expect(guarded.breakerState()).toBe('closed');
    scripted.answer = answer;
    expect(await embedDue(tenant.work, never)).toMatchObject({ embedded: 3 });
    expect(Object.keys(await tenant.vectors())).toEqual(ids);
  });

  test('is left alone for about the pause before the next try', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const { embedDue, scripted } = createService(database.db);
    scripted.failFor(
      () => true,
      () => Promise.reject(away()),
    );
    await embedDue(tenant.work, never);
    const left = await tenant.secondsUntilDue(id);
    expect(left).toBeGreaterThan(pauseMs / 2000);
    expect(left).toBeLessThanOrEqual(pauseMs / 1000);
    expect(await embedDue(tenant.work, never)).toEqual(nothing);
  });

  test('and whose circuit is open has nothing leased, so that an outage writes nothing', async () => {
    const tenant = createTenant(database.db);
    await tenant.add(...texts(4));
    const { embedDue, scripted, guarded, notified } = createService(database.db, {
      batchSize: 2,
      guard: { failureThreshold: 2 },
    });
    scripted.failFor(
      () => true,
      () => Promise.reject(away()),
    );
    expect(await embedDue(tenant.work, never)).toMatchObject({ leased: 2, deferred: 2 });
    expect(guarded.breakerState()).toBe('open');
    const before = await tenant.pending();
    expect(await embedDue(tenant.work, never)).toEqual(nothing);
    expect(await tenant.pending()).toEqual(before);
    expect(notified).toHaveLength(1);
  });

  test('because it cannot split texts is away as well, and one text that cannot be split fails alone', async () => {
    const tenant = createTenant(database.db);
    const [, odd = ''] = await tenant.add('fine', 'odd', 'fine too');
    const { embedDue, scripted } = createService(database.db);
    const split = (text: string) => Promise.resolve([text]);
    const answer = scripted.answer;
    scripted.splitter = () => Promise.reject(away());
    scripted.failFor(
      () => true,
      () => Promise.reject(away()),
    );
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 3, deferred: 3 });
    await tenant.waitOver();
    scripted.answer = answer;
    scripted.splitter = (text) => (text === 'odd' ? Promise.resolve([]) : split(text));
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 3, embedded: 2, failed: 1 });
    expect([...(await tenant.pending()).values()]).toMatchObject([
      { message_id: odd, state: 'failed', attempts: 1, last_error: 'The text has nothing to embed.' },
    ]);
  });
});
