import { describe, expect, test } from 'vitest';
import { toMessageRow } from './message-row.ts';
import { MessageWriter } from './message-writer.ts';
import type { WriteRequest, WriteResult } from './write-request.ts';

const request = (content: string): WriteRequest => ({
  rows: [
    toMessageRow(
      {
        tenantId: 't',
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
      new Date(0),
      content,
    ),
  ],
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

test('a small message weighs 4 KiB, a long one its bytes, and what does not fit is refused at once', async () => {
  const gate = Promise.withResolvers<void>();
  const writer = new MessageWriter({
    repository: { write: async (requests) => gate.promise.then(() => requests.map(() => written)) },
    writers: 1,
    maxQueuedBytes: 20_000,
  });
  const taken = [writer.write(request('first'))];
  await new Promise((resolve) => setImmediate(resolve));
  taken.push(writer.write(request('small')), writer.write(request('ü'.repeat(5000))));
  expect(writer.queuedBytes).toBe(4096 + 10_000);
  await expect(writer.write(request('x'.repeat(6000)))).rejects.toMatchObject({ code: 'unavailable' });
  gate.resolve();
  await Promise.all(taken);
  await writer.close();
  await expect(writer.write(request('late'))).rejects.toMatchObject({ code: 'unavailable' });
});
