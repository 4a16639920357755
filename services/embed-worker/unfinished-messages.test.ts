import { expect, test } from 'vitest';
import type { LeasedMessage } from './lease.ts';
import { UnfinishedMessages } from './unfinished-messages.ts';

const work = { tenantId: 'a', generation: 1 };
const message = (messageId: string, change: Partial<LeasedMessage> = {}): LeasedMessage => ({
  messageId,
  content: 'text',
  speaker: undefined,
  contentHash: Buffer.of(1),
  attempts: 1,
  ...change,
});
const done = (from: number, passages = 1) => ({
  from,
  vectors: Array.from({ length: passages }, () => Float32Array.of(from, 1)),
});
const nothing = { from: 0, vectors: [] };

test('a message goes on where it was, until it is forgotten', () => {
  const unfinished = new UnfinishedMessages(1000);
  unfinished.keep(work, message('1'), done(70));
  expect(unfinished.find(work, message('1', { attempts: 2 }))).toEqual(done(70));
  unfinished.forget(work, message('1'));
  expect(unfinished.find(work, message('1'))).toEqual(nothing);
});

test('security: what is known of one message is never another one’s, nor of a text that has changed', () => {
  const unfinished = new UnfinishedMessages(1000);
  unfinished.keep(work, message('1'), done(70));
  expect(unfinished.find({ ...work, tenantId: 'b' }, message('1'))).toEqual(nothing);
  expect(unfinished.find({ ...work, generation: 2 }, message('1'))).toEqual(nothing);
  for (const change of [{ messageId: '2' }, { contentHash: Buffer.of(2) }, { speaker: 'Ana' }]) {
    expect(unfinished.find(work, message('1', change))).toEqual(nothing);
  }
});

test('its memory is bounded: the oldest goes first, and what alone is too large is not kept', () => {
  const unfinished = new UnfinishedMessages(80);
  unfinished.keep(work, message('1'), done(1, 5));
  unfinished.keep(work, message('2'), done(2, 5));
  unfinished.keep(work, message('2'), done(3, 5));
  unfinished.keep(work, message('3'), done(4, 5));
  expect(['1', '2', '3'].map((id) => unfinished.find(work, message(id)).from)).toEqual([0, 3, 4]);
  unfinished.keep(work, message('4'), done(5, 11));
  expect(unfinished.find(work, message('4'))).toEqual(nothing);
});
