import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { aiSdk } from './ai-sdk.ts';
import { chatgpt } from './chatgpt.ts';
import type { Mapped } from './format.ts';
import { JsonSource, type Entry } from './json-source.ts';
import { JsonWalker } from './json-walker.ts';
import { openai } from './openai.ts';

setFlagsFromString('--expose-gc');
const gc: () => void = runInNewContext('gc');

const limits = { maxTextCharacters: 262_144, maxItemCharacters: 4_194_304 };
const options = { conversationId: 'c', timezone: 'UTC', dateOrder: undefined, sample: '' };

/** A conversations.json of at least this size, a conversation at a time. */
function* conversations(bytes: number): Generator<string> {
  yield '[';
  for (let written = 0, n = 0; written < bytes; n += 1) {
    const nodes = Array.from({ length: 50 }, (_, i) => [
      `${n}-${i}`,
      {
        id: `${n}-${i}`,
        parent: i === 0 ? null : `${n}-${i - 1}`,
        message: {
          id: `${n}-${i}`,
          author: { role: i % 2 === 0 ? 'user' : 'assistant' },
          create_time: 1_700_000_000 + n,
          content: { content_type: 'text', parts: ['So it is said. '.repeat(100)] },
          metadata: { citations: Array.from({ length: 20 }, (_item, k) => ({ k })) },
        },
      },
    ]);
    const text = JSON.stringify({
      title: 't',
      mapping: Object.fromEntries(nodes),
      current_node: `${n}-49`,
      id: `${n}`,
    });
    written += text.length;
    yield (n === 0 ? '' : ',') + text;
  }
  yield ']';
}

/** Of this thread: on a busy machine it is interrupted. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

function readAll(source: JsonSource, texts: Iterable<string>, onEntries: (entries: readonly Entry[]) => void) {
  let slowestMs = 0;
  for (const text of texts) {
    for (let at = 0; at < text.length;) {
      const from = cpuMs();
      const read = source.read(text, at, 4);
      slowestMs = Math.max(slowestMs, cpuMs() - from);
      at = read.at;
      onEntries(read.entries);
    }
  }
  onEntries(source.end());
  return slowestMs;
}

test('a document of 40 MB is read in slices, and no more of it is held than a conversation', () => {
  const source = new JsonSource({
    ...limits,
    lists: chatgpt.lists,
    layout: 'document',
    reader: chatgpt.reader(options),
  });
  let messages = 0;
  let heapBytes = 0;
  const slowestMs = readAll(source, conversations(40_000_000), (entries) => {
    messages += entries.length;
    if (messages % 1000 >= 50 || entries.length === 0) return;
    gc();
    heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
  });
  expect(messages).toBeGreaterThan(16_000);
  expect(messages % 50).toBe(0);
  // What is collected now and then is not held; all of the document would be several times as much.
  expect(heapBytes).toBeLessThan(150_000_000);
  // The budget is 4 ms of the clock; this is CPU, which other processes do not take.
  expect(slowestMs).toBeLessThan(50);
});

test('cut anywhere, a document is read alike', () => {
  const text = JSON.stringify([
    { role: 'user', content: 'eins "zwei" \\ \n 😀', name: 'Ana' },
    { role: 'assistant', content: [{ type: 'text', text: 'ß' }], n: -1.5e3, x: [true, null, {}] },
  ]);
  const read = (parts: readonly string[]) => {
    const source = new JsonSource({
      ...limits,
      lists: openai.lists,
      layout: 'document',
      reader: openai.reader(options),
    });
    const results: Mapped['result'][] = [];
    readAll(source, parts, (entries) => results.push(...entries.map(({ result }) => result)));
    return results;
  };
  const whole = read([text]);
  expect(whole).toHaveLength(2);
  for (let at = 1; at < text.length; at += 1) {
    expect(read([text.slice(0, at), text.slice(at)])).toEqual(whole);
  }
  expect(read(text.split(''))).toEqual(whole);
});

test.each([
  ['id', 'k'.repeat(200_000), ''],
  ['parent', '', 'p'.repeat(200_000)],
])('a long %s counts as what is held of a conversation', (_, id, parent) => {
  const source = new JsonSource({
    ...limits,
    lists: chatgpt.lists,
    layout: 'document',
    reader: chatgpt.reader(options),
  });
  const mapping = Object.fromEntries(Array.from({ length: 60 }, (_item, n) => [`n${n}${id}`, { parent }]));
  const text = JSON.stringify([{ mapping, current_node: 'none', id: 'large' }]);
  const found: Entry[] = [];
  readAll(source, [text], (entries) => found.push(...entries));
  expect(found).toMatchObject([{ place: { pointer: '/0' }, result: { code: 'payload_too_large' } }]);
});

test('messages that wait for the name of their conversation count with all that is held of them', () => {
  const source = new JsonSource({ ...limits, lists: aiSdk.lists, layout: 'document', reader: aiSdk.reader(options) });
  const messages = Array.from({ length: 60 }, (_, n) => ({
    id: `${n}${'i'.repeat(200_000)}`,
    role: 'user',
    parts: [{ type: 'text', text: 'hello' }],
  }));
  const found: Entry[] = [];
  readAll(source, [JSON.stringify({ messages, id: 'late' })], (entries) => found.push(...entries));
  const refused = found.filter(({ result }) => 'code' in result && result.code === 'payload_too_large');
  expect(found).toHaveLength(60);
  expect(refused.length).toBeGreaterThan(10);
});

test('of the input around a text that is held nothing is held', () => {
  const source = new JsonSource({ ...limits, lists: aiSdk.lists, layout: 'document', reader: aiSdk.reader(options) });
  const message = (n: number) =>
    `{"role":"user","id":"message-number-${n}",${' '.repeat(60_000)}"parts":[{"type":"text","text":"the text of number ${n}"}]},`;
  const count = 500;
  const before = process.memoryUsage().heapUsed;
  function* document(): Generator<string> {
    yield '{"messages":[';
    for (let n = 0; n < count; n += 1) yield message(n);
  }
  for (const text of document()) for (let at = 0; at < text.length;) at = source.read(text, at, 4).at;
  gc();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan((count * 60_000) / 4);
});

test.each([
  ['texts', { author: { role: 'user' }, content: { content_type: 'text', parts: ['x'.repeat(200_000)] } }],
  [
    'calls of tools',
    {
      author: { role: 'assistant' },
      recipient: 'python',
      content: { content_type: 'code', text: 'x'.repeat(200_000) },
    },
  ],
])('a conversation with more %s than may wait is an outcome, and the next one is read', (_, said) => {
  const node = (id: string, parent: string | null) => ({ id, parent, message: { id, ...said } });
  const many = Array.from({ length: 60 }, (_node, n) => [`n${n}`, node(`n${n}`, n === 0 ? null : `n${n - 1}`)]);
  const text = JSON.stringify([
    { id: 'large', mapping: Object.fromEntries(many), current_node: 'n59' },
    { id: 'small', mapping: { a: node('a', null) }, current_node: 'a' },
  ]);
  const source = new JsonSource({
    ...limits,
    lists: chatgpt.lists,
    layout: 'document',
    reader: chatgpt.reader(options),
  });
  const found: Entry[] = [];
  readAll(source, [text], (entries) => found.push(...entries));
  expect(found).toMatchObject([
    { place: { pointer: '/0' }, result: { code: 'payload_too_large' } },
    { place: { pointer: '/1/mapping/a' }, result: { conversation_id: 'small' } },
  ]);
});

test('a list in more than five others is an item', () => {
  const items = (depth: number) => {
    const walker = new JsonWalker({ ...limits, lists: new Set() });
    return walker
      .push(`${'['.repeat(depth)}{"a":1}${']'.repeat(depth)}`)
      .map((piece) => piece.kind === 'item' && piece.value);
  };
  expect(items(6)).toEqual([{ a: 1 }]);
  expect(items(7)).toEqual([[{ a: 1 }]]);
});
