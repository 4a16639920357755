import { Hono } from 'hono';
import { expect, test } from 'vitest';
import type { ApiEnv } from './api-env.ts';
import { AnswerBudget, answerJson, jsonList, jsonObject, takeWhileFits, type JsonPiece } from './json-answer.ts';

const envelope = 16 * 1024;
const item = (text: string) => ({ text });

async function answerOf(pieces: readonly JsonPiece[]): Promise<Response> {
  const app = new Hono<ApiEnv>().get('/', (c) => answerJson(c, pieces, 200));
  return app.request('/');
}

test('items are taken until one does not fit, to the byte', async () => {
  const texts = ['a', '\u0001é', 'b'];
  const sizes = texts.map((text) => Buffer.byteLength(JSON.stringify(item(text))) + 1);
  const enoughForTwo = envelope + (sizes[0] ?? 0) + (sizes[1] ?? 0);
  expect(await takeWhileFits(texts, item, new AnswerBudget(enoughForTwo))).toHaveLength(2);
  expect(await takeWhileFits(texts, item, new AnswerBudget(enoughForTwo - 1))).toHaveLength(1);
});

test('the first item is taken, however large', async () => {
  expect(await takeWhileFits(['x'.repeat(100), 'y'], item, new AnswerBudget(envelope + 10))).toHaveLength(1);
});

test.each([
  ['small', 3, false],
  ['large', 200_000, true],
])('a %s answer is the JSON of its parts', async (_, letters, streamed) => {
  const texts = ['é\u0001"'.repeat(letters), '', '😀'.repeat(letters), 'x'];
  const items = await takeWhileFits(texts, item, new AnswerBudget());
  const response = await answerOf(jsonObject({ total: 4 }, { items: jsonList(items), none: jsonList([]) }));
  const text = await response.text();
  expect(JSON.parse(text)).toEqual({ items: texts.map(item), none: [], total: 4 });
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(response.headers.get('content-length')).toBe(streamed ? String(Buffer.byteLength(text)) : null);
});

test('an object of pieces alone', async () => {
  expect(await (await answerOf(jsonObject({}, { a: ['1'], b: jsonList([['2'], ['[3', ']']]) }))).json()).toEqual({
    a: 1,
    b: [2, [3]],
  });
});

test('other work has its turns while a large answer is serialised', async () => {
  const texts = Array.from({ length: 60 }, () => '\u0001'.repeat(40_000));
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  try {
    expect(await takeWhileFits(texts, item, new AnswerBudget())).toHaveLength(60);
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeGreaterThan(0);
});
