import { AppError } from '@memory-layer/shared/errors/app-error';
import { splitIntoPassages } from '@memory-layer/shared/embedding/passage-splitter';
import { partLimit, splitInParts } from '@memory-layer/shared/embedding/split-part';
import { estimateTokens } from '@memory-layer/shared/embedding/token-estimate';
import { tokensOf } from '@memory-layer/shared/embedding/work-estimate';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenant } from './testing/embedding-fixture.ts';
import { createService, hang, maxAttempts, never } from './testing/test-service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const texts = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);
/** Sentences that all differ. */
const longText = (characters: number) =>
  Array.from({ length: Math.ceil(characters / 40) }, (_, n) => `Sentence ${characters} number ${n} of them. `).join('');
const inPassages = async (text: string) => splitIntoPassages(text, { capacity: 16, count: estimateTokens });
const isSlow = (text: string) => text.includes('slow');
const nothing = { leased: 0, embedded: 0, deferred: 0, retried: 0, failed: 0 };

describe('a long message', () => {
  test('becomes several passages, in order', async () => {
    const tenant = createTenant(database.db);
    const [long = '', short = ''] = await tenant.add('a bb ccc', 'dddd');
    const { embedDue, scripted } = createService(database.db);
    scripted.splitter = (text) => Promise.resolve(text.split(' '));
    expect(await embedDue(tenant.work, never)).toMatchObject({ embedded: 2 });
    expect(await tenant.vectors()).toEqual({ [long]: ['[1,1]', '[2,1]', '[3,1]'], [short]: ['[4,1]'] });
  });

  test('goes to the model in calls of a bounded size, and does not keep others of its job waiting for the end', async () => {
    const tenant = createTenant(database.db);
    const [long = '', short = ''] = await tenant.add(longText(40_000), 'short');
    const { embedDue, scripted } = createService(database.db, { leaseTokens: 1_000_000 });
    scripted.splitter = inPassages;
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 2, embedded: 2 });
    const asked = scripted.calls.map((call) => call.texts);
    expect(asked[0]?.length).toBeLessThanOrEqual(33);
    // A call of texts that take no time at all has 128 of them, of 16 tokens here.
    for (const call of asked) expect(tokensOf(call)).toBeLessThanOrEqual(128 * 16);
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.findIndex((call) => call.includes('short'))).toBeLessThan(asked.length - 1);
    const passages = await splitInParts(inPassages, longText(40_000), partLimit(scripted.maxTokens));
    expect(asked.flat().filter((text) => text !== 'short')).toEqual(passages);
    const vectors = await tenant.vectors();
    expect([vectors[long]?.length, vectors[short]?.length]).toEqual([passages.length, 1]);
  });

  test('fills a job by itself: as much is leased as the model can do in a moment', async () => {
    const tenant = createTenant(database.db);
    await tenant.add(longText(40_000), longText(40_001), 'short');
    const { embedDue, scripted, notified } = createService(database.db);
    scripted.splitter = inPassages;
    for (const left of [2, 1, 0]) {
      expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, embedded: 1 });
      expect((await tenant.pending()).size).toBe(left);
    }
    expect(notified).toHaveLength(2);
  });

  test('is not computed again where it was finished when a later call fails', async () => {
    const tenant = createTenant(database.db);
    await tenant.add(`${longText(30_000)}slow. ${longText(5000)}`);
    const { embedDue, scripted } = createService(database.db, { guard: { timeoutMs: 30 } });
    scripted.splitter = inPassages;
    const answer = scripted.answer;
    scripted.failFor((text) => text.includes('slow'), hang);
    expect(await embedDue(tenant.work, never)).toMatchObject({ leased: 1, embedded: 0, retried: 1 });
    const finished = new Set(scripted.calls.flatMap((call) => (call.texts.some(isSlow) ? [] : call.texts)));
    expect(finished.size).toBeGreaterThan(500);
    scripted.answer = answer;
    scripted.calls.length = 0;
    await tenant.waitOver();
    expect(await embedDue(tenant.work, never)).toMatchObject({ leased: 1, embedded: 1 });
    const again = scripted.calls.flatMap((call) => call.texts).filter((text) => finished.has(text));
    expect(again).toEqual([]);
  });

  test('goes on where it was when the time of its job is up, and that counts no attempt', async () => {
    const tenant = createTenant(database.db);
    const text = longText(60_000);
    const [id = ''] = await tenant.add(text, 'behind');
    const { embedDue, scripted, notified } = createService(database.db);
    scripted.splitter = inPassages;
    const answer = scripted.answer;
    const due = (await tenant.pending()).get(id)?.due_at;
    const asked: string[] = [];
    for (let job = 0; job < 3; job += 1) {
      const deadline = new AbortController();
      let calls = 0;
      scripted.answer = (batch, options) => {
        calls += 1;
        if (calls > 3) {
          deadline.abort(new AppError('deadline_exceeded', 'took too long'));
          return hang(undefined);
        }
        asked.push(...batch);
        return answer(batch, options);
      };
      expect(await embedDue(tenant.work, deadline.signal)).toMatchObject({ leased: 1, embedded: 0, deferred: 1 });
      expect((await tenant.pending()).get(id)).toMatchObject({ attempts: 0, leased_until: null, due_at: due });
    }
    scripted.answer = (batch, options) => {
      asked.push(...batch);
      return answer(batch, options);
    };
    expect(notified.length).toBeGreaterThanOrEqual(3);
    expect(await embedDue(tenant.work, never)).toMatchObject({ leased: 1, embedded: 1 });
    expect(asked).toHaveLength(new Set(asked).size);
    const passages = await splitInParts(inPassages, text, partLimit(scripted.maxTokens));
    expect((await tenant.vectors())[id]).toEqual(passages.map((passage) => `[${passage.length},1]`));
  });

  test('has a vector of each passage that differs, however often it says the same', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add(`${'The same again and again. '.repeat(2000)}And an end.`);
    const { embedDue, scripted } = createService(database.db);
    scripted.splitter = inPassages;
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, embedded: 1 });
    const asked = scripted.calls.flatMap((call) => call.texts);
    expect(asked).toHaveLength(new Set(asked).size);
    expect((await tenant.vectors())[id]).toEqual(asked.map((text) => `[${text.length},1]`));
    expect(asked.length).toBeLessThan(6);
  });

  test('with more passages than can be numbered ends failed, with that reason', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('many');
    const { embedDue, scripted } = createService(database.db);
    scripted.splitter = () => Promise.resolve(texts(32_769));
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, failed: 1 });
    expect((await tenant.pending()).get(id)?.last_error).toBe('The text has more than 32768 passages.');
  });

  test('is embedded even if it is longer than a whole job should be', async () => {
    const tenant = createTenant(database.db);
    await tenant.add('long');
    const { embedDue, scripted } = createService(database.db);
    scripted.splitter = () => Promise.resolve(texts(1000));
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, embedded: 1 });
  });
});

describe('a job that is ended', () => {
  /** Aborts while the second half of a batch is computed, whose first half is done. */
  async function endInTheMiddle(reason: AppError) {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(4));
    const { embedDue, scripted } = createService(database.db);
    const stop = new AbortController();
    const answer = scripted.answer;
    scripted.answer = async (batch, call) => {
      if (batch.length > 2) throw new AppError('embedding_unavailable', 'too many at once');
      if (!batch.includes('text 3')) return answer(batch, call);
      stop.abort(reason);
      return hang(undefined);
    };
    const outcome = await embedDue(tenant.work, stop.signal);
    scripted.answer = answer;
    return { tenant, ids, outcome, embedDue };
  }

  test('because the worker stops keeps what is done and gives the rest back at once, with no attempt counted', async () => {
    const stopping = new AppError('unavailable', 'this consumer stops');
    const { tenant, ids, outcome, embedDue } = await endInTheMiddle(stopping);
    expect(outcome).toEqual({ ...nothing, leased: 4, embedded: 2, deferred: 2 });
    expect(Object.keys(await tenant.vectors())).toEqual(ids.slice(0, 2));
    for (const row of nonEmpty((await tenant.pending()).values())) {
      expect(row).toMatchObject({ state: 'pending', attempts: 0, leased_until: null, last_error: null });
    }
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 2, embedded: 2 });
  });

  test('because its time is up counts the attempt, so that a batch which always takes too long is taken apart', async () => {
    const { tenant, embedDue } = await endInTheMiddle(new AppError('deadline_exceeded', 'took too long'));
    for (const row of nonEmpty((await tenant.pending()).values())) {
      expect(row).toMatchObject({ state: 'pending', attempts: 1, leased_until: null });
    }
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 2, embedded: 2 });
  });

  test('before it began has computed nothing', async () => {
    const tenant = createTenant(database.db);
    await tenant.add('text');
    const { embedDue, scripted } = createService(database.db);
    expect(await embedDue(tenant.work, AbortSignal.abort())).toEqual({ ...nothing, leased: 1, deferred: 1 });
    expect(scripted.calls).toEqual([]);
  });
});

describe('workers that die', () => {
  test('over a message have it taken alone in the end, then given up with a reason', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(3));
    const { embedDue, notified } = createService(database.db);
    await tenant.setPending(ids.slice(0, 1), { attempts: maxAttempts, leaseEndedSecondsAgo: 1 });
    await tenant.setPending(ids.slice(1), { attempts: maxAttempts - 1, leaseEndedSecondsAgo: 1 });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, failed: 1 });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, embedded: 1 });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 1, embedded: 1 });
    expect(notified, 'each time for the next one').toHaveLength(3);
    expect([...(await tenant.pending()).values()]).toMatchObject([
      { message_id: ids[0], state: 'failed', last_error: expect.stringContaining(`after ${maxAttempts} attempts`) },
    ]);
  });

  test('or are only slow do no harm to the work of the next one', async () => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(3));
    const [slow, next] = [createService(database.db), createService(database.db)];
    const computing = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    slow.scripted.answer = async (batch) => {
      computing.resolve();
      await finish.promise;
      return batch.map(() => Float32Array.of(6, 6));
    };
    const slowOutcome = slow.embedDue(tenant.work, never);
    await computing.promise;
    await tenant.setPending(ids, { leaseEndedSecondsAgo: 1 });
    await tenant.deleteMessage(ids[0] ?? '');
    expect(await next.embedDue(tenant.work, never)).toMatchObject({ embedded: 2 });
    await tenant.changeContent(ids[1] ?? '', 'changed');
    finish.resolve();
    expect(await slowOutcome).toMatchObject({ leased: 3, embedded: 0 });
    expect(await tenant.vectors()).toEqual({ [ids[2] ?? '']: ['[6,1]'] });
    expect([...(await tenant.pending()).keys()]).toEqual([ids[1]]);
    expect(await next.embedDue(tenant.work, never)).toMatchObject({ embedded: 1 });
    expect(await tenant.vectors()).toEqual({ [ids[1] ?? '']: ['[7,1]'], [ids[2] ?? '']: ['[6,1]'] });
  });

  test('and fail late do not take the work of the next one away', async () => {
    const tenant = createTenant(database.db);
    const [id = ''] = await tenant.add('text');
    const [slow, next] = [createService(database.db), createService(database.db)];
    slow.scripted.failFor(
      (text) => text === 'text',
      async () => {
        await tenant.setPending([id], { leaseEndedSecondsAgo: 1 });
        expect(await next.embedDue(tenant.work, never)).toMatchObject({ embedded: 1 });
        throw new AppError('embedding_rejected', 'broken');
      },
    );
    await slow.embedDue(tenant.work, never);
    expect(await tenant.vectors()).toEqual({ [id]: ['[4,1]'] });
    expect((await tenant.pending()).size).toBe(0);
  });
});

test('security: the work of one tenant never touches another', async () => {
  const [tenant, other] = [createTenant(database.db), createTenant(database.db)];
  await other.addWithIds((await tenant.add(...texts(2), 'poison')).map((id) => [id, 'poison']));
  const before = await other.pending();
  const { embedDue, scripted, notified } = createService(database.db, { batchSize: 3 });
  scripted.failFor(
    (text) => text === 'poison',
    () => Promise.reject(new AppError('embedding_rejected', 'no')),
  );
  expect(await embedDue(tenant.work, never)).toMatchObject({ embedded: 2, failed: 1 });
  expect(await other.pending()).toEqual(before);
  expect(await other.vectors()).toEqual({});
  expect(notified).toEqual([tenant.tenantId]);
});
