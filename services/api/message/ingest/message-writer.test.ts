import { instantOf } from '@memory-layer/shared/time/instant';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { describe, expect, test } from 'vitest';
import { toMessageRow, type MessageRow } from './message-row.ts';
import { nothingStored } from '../../http/errors.ts';
import { MessageWriter } from './message-writer.ts';
import type { WriteRequest, WriteResult } from './message-write.repository.ts';

const row = (content: string, tenantId = 't'): MessageRow =>
  toMessageRow(
    {
      tenantId,
      conversationId: 'c',
      role: 'user',
      content,
      metadata: {},
      importanceOverride: undefined,
      externalId: undefined,
      createdAt: undefined,
      expiresAt: undefined,
    },
    1,
    instantOf(new Date(0)),
    content,
  );
const request = (content: string, tenantId = 't'): WriteRequest => ({
  rows: [row(content, tenantId)],
  claim: undefined,
});
const written: WriteResult = { kind: 'written', outcomes: [] };
const refusal = Object.assign(new Error('refused'), { code: '22P05' });
const contents = (requests: readonly WriteRequest[]) => requests.map(({ rows }) => rows[0]?.content);

/** A writer over a database that refuses whatever holds the word bad. */
function writerThatRefuses(error: Error) {
  const flushes: (string | undefined)[][] = [];
  const writer = new MessageWriter({
    repository: {
      async write(requests) {
        flushes.push(contents(requests));
        if (contents(requests).includes('bad')) throw error;
        return requests.map(() => written);
      },
    },
    writers: 1,
    maxQueuedBytes: 1_000_000,
  });
  return { writer, flushes };
}

describe('a request that the database refuses', () => {
  test('fails alone, wherever it stands', async () => {
    for (let position = 0; position < 7; position++) {
      const { writer, flushes } = writerThatRefuses(refusal);
      const requests = Array.from({ length: 7 }, (_, n) => request(n === position ? 'bad' : `good ${n}`));
      const outcomes = await Promise.allSettled(requests.map((one) => writer.write(one)));
      expect(outcomes.map((outcome) => outcome.status)).toEqual(
        requests.map((_, n) => (n === position ? 'rejected' : 'fulfilled')),
      );
      expect(flushes[0]).toHaveLength(7);
      expect(flushes).toHaveLength(8);
    }
  });

  test('is not looked for when it is the database that is in trouble', async () => {
    const { writer, flushes } = writerThatRefuses(Object.assign(new Error('gone'), { code: '57P01' }));
    const outcomes = await Promise.allSettled(['one', 'bad', 'three'].map((content) => writer.write(request(content))));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(flushes).toHaveLength(1);
  });
});

const oneTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A writer whose flushes end when the test says so. */
function writerInSteps(options: { readonly writers?: number; readonly maxQueuedBytes?: number } = {}) {
  const flushes: { readonly tenants: string[]; readonly end: (error?: Error) => void }[] = [];
  const writer = new MessageWriter({
    repository: {
      write: (requests) =>
        new Promise((resolve, reject) => {
          const end = (error?: Error) => (error ? reject(error) : resolve(requests.map(() => written)));
          flushes.push({ tenants: requests.map(({ rows }) => rows[0]?.tenantId ?? ''), end });
        }),
    },
    writers: 1,
    maxQueuedBytes: 1_000_000,
    ...options,
  });
  return { writer, flushes };
}

test('a small message weighs 1 KiB, a long one its bytes, and what does not fit is refused at once', async () => {
  const { writer, flushes } = writerInSteps({ maxQueuedBytes: 20_000 });
  const taken = [writer.write(request('first'))];
  await oneTurn();
  taken.push(writer.write(request('small', 'a')), writer.write(request('ü'.repeat(5000), 'b')));
  expect(writer.queuedBytes).toBe(1024 + 10_002);
  await expect(writer.write(request('x'.repeat(9000), 'c'))).rejects.toMatchObject({ code: 'unavailable' });
  for (let n = 0; n < 3; n++) {
    flushes[n]?.end();
    await oneTurn();
  }
  await Promise.all(taken);
  await writer.close();
  await expect(writer.write(request('late'))).rejects.toMatchObject({ code: 'unavailable' });
});

describe('tenants', () => {
  const batchOf = (tenantId: string, rows: number): WriteRequest => ({
    rows: Array.from({ length: rows }, (_, n) => row(`message ${n}`, tenantId)),
    claim: undefined,
  });

  test('one that floods delays another by what is under way, not by what it has waiting', async () => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 67_108_864 });
    const flood = Array.from({ length: 20 }, () => writer.write(batchOf('flood', 200)));
    await oneTurn();
    const other = writer.write(request('hello', 'other'));
    flushes[0]?.end();
    await oneTurn();
    expect(flushes[1]?.tenants).toContain('other');
    flushes[1]?.end();
    await other;
    for (let n = 2; n < 40; n++) {
      flushes[n]?.end();
      await oneTurn();
    }
    await Promise.all(flood);
  });

  test('one that floods has a share of the queue, and an error that says so; others are still taken', async () => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 80 * 1024 });
    const flood = Array.from({ length: 100 }, (_, n) => writer.write(request(`flood ${n}`, 'flood')));
    const outcomes = Promise.allSettled(flood);
    const other = writer.write(request('hello', 'other'));
    for (let n = 0; n < 20; n++) {
      await oneTurn();
      flushes[n]?.end();
    }
    await expect(other).resolves.toMatchObject([{ result: written }]);
    const refused = (await outcomes).filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(80);
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 1 });
  });

  test('one that floods leaves a writer free for another that was there', async () => {
    const { writer, flushes } = writerInSteps({ writers: 3, maxQueuedBytes: 67_108_864 });
    const early = writer.write(request('hello', 'other'));
    await oneTurn();
    const flood = Array.from({ length: 5 }, () => writer.write(batchOf('flood', 500)));
    await oneTurn();
    expect(flushes.map(({ tenants }) => tenants[0])).toEqual(['other', 'flood', 'flood']);
    flushes[0]?.end();
    await early;
    await oneTurn();
    expect(flushes).toHaveLength(3);
    const late = writer.write(request('again', 'other'));
    await oneTurn();
    expect(flushes[3]?.tenants).toEqual(['other']);
    flushes[3]?.end();
    await late;
    for (let n = 1; n < 20; n++) {
      flushes[n]?.end();
      await oneTurn();
    }
    await Promise.all(flood);
  });
});

describe('a request whose time is up', () => {
  test('is taken out of the queue and not written', async () => {
    const { writer, flushes } = writerInSteps();
    const late = new AbortController();
    const first = writer.write(request('first'));
    await oneTurn();
    const waiting = writer.write(request('waiting'), late.signal);
    late.abort(new Error('late'));
    await expect(waiting).rejects.toThrow('late');
    flushes[0]?.end();
    await first;
    await writer.close();
    expect(flushes).toHaveLength(1);
  });

  test('is answered with what became of it once its statement runs', async () => {
    const { writer, flushes } = writerInSteps();
    const late = new AbortController();
    const running = writer.write(request('running'), late.signal);
    await oneTurn();
    late.abort(new Error('late'));
    flushes[0]?.end();
    await expect(running).resolves.toMatchObject([{ result: written }]);
  });

  test.each([
    ['57014', 'Nothing of this request was stored'],
    ['40P01', 'Nothing of this request was stored'],
    ['57P01', 'may be stored'],
  ])('or whose statement ends with %s is answered with what is known of it', async (code, detail) => {
    const { writer, flushes } = writerInSteps();
    const running = writer.write(request('running'));
    await oneTurn();
    flushes[0]?.end(Object.assign(new Error('ended'), { code }));
    await expect(running).rejects.toMatchObject({
      code: 'unavailable',
      retryAfterSeconds: 1,
      publicDetail: expect.stringContaining(detail),
    });
  });
});

describe('a request that is larger than a statement may be', () => {
  // A part has at most 1024 rows of 1152 bytes: three parts of two rows.
  const large: WriteRequest = {
    rows: Array.from({ length: 6 }, (_, n) => row(`${n} ${'x'.repeat(250_000)}`, 'large')),
    claim: undefined,
  };

  test('is written in parts, one after the other, and another tenant has its turn in between', async () => {
    const { writer, flushes } = writerInSteps({ writers: 3, maxQueuedBytes: 67_108_864 });
    const running = writer.write(large);
    await oneTurn();
    expect(flushes.map(({ tenants }) => tenants)).toEqual([['large']]);
    const other = writer.write(request('hello', 'other'));
    await oneTurn();
    flushes[1]?.end();
    await other;
    for (const n of [0, 2, 3]) {
      flushes[n]?.end();
      await oneTurn();
    }
    const parts = await running;
    expect(parts.map(({ result }) => result)).toEqual([written, written, written]);
    expect(parts.flatMap((part) => part.request.rows)).toEqual(large.rows);
    expect(flushes.map(({ tenants }) => tenants)).toEqual([['large'], ['other'], ['large'], ['large']]);
  });

  test('is refused as a whole when its first part is', async () => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 67_108_864 });
    const running = writer.write(large);
    await oneTurn();
    flushes[0]?.end(Object.assign(new Error('ended'), { code: '40P01' }));
    await expect(running).rejects.toMatchObject({ code: 'unavailable' });
    expect(flushes).toHaveLength(1);
  });

  test.each([
    ['40P01', 'It was not stored'],
    ['57P01', 'may be stored'],
  ])('ends with the part that failed with %s, and says what is known of each', async (code, detail) => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 67_108_864 });
    const running = writer.write(large);
    await oneTurn();
    flushes[0]?.end();
    await oneTurn();
    flushes[1]?.end(Object.assign(new Error('ended'), { code }));
    const error = (text: string) =>
      expect.objectContaining({ code: 'unavailable', publicDetail: expect.stringContaining(text) });
    expect(await running).toMatchObject([
      { result: written },
      { result: error(detail) },
      { result: error('It was not stored') },
    ]);
    expect(flushes).toHaveLength(2);
  });

  test('is written to its end once it has begun, whatever its deadline', async () => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 67_108_864 });
    const late = new AbortController();
    const running = writer.write(large, late.signal);
    await oneTurn();
    late.abort(nothingStored('late'));
    for (let n = 0; n < 3; n++) {
      flushes[n]?.end();
      await oneTurn();
    }
    expect(await running).toMatchObject([{ result: written }, { result: written }, { result: written }]);
  });

  test('waits for a place in the queue where another has filled it since', async () => {
    const { writer, flushes } = writerInSteps({ maxQueuedBytes: 1_500_000 });
    const running = writer.write(large);
    await oneTurn();
    const filling = writer.write({ rows: [row('y'.repeat(1_400_000), 'other')], claim: undefined });
    await oneTurn();
    flushes[0]?.end();
    await oneTurn();
    flushes[1]?.end();
    await filling;
    for (let n = 2; n < 4; n++) {
      await eventually(() => expect(flushes).toHaveLength(n + 1));
      flushes[n]?.end();
    }
    expect(await running).toHaveLength(3);
  });
});
