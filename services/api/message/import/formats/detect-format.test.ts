import { readdirSync, readFileSync } from 'node:fs';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { describe, expect, test } from 'vitest';
import { importFormats } from './catalog.ts';
import { detectFormat, layoutOf } from './detect-format.ts';

const folder = new URL('testing/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => !name.endsWith('.ts'))
  .map((name) => ({
    name,
    text: readFileSync(new URL(name, folder), 'utf8'),
    format: [...importFormats.keys()].find((format) => name.startsWith(format)),
  }));
const whole = (text: string) => ({ text, isWhole: true });

describe('a format is recognised by its shape', () => {
  test('each fixture is of its own format, and of no other', () => {
    for (const { name, text, format } of nonEmpty(files)) {
      expect([name, detectFormat(whole(text))?.name]).toEqual([name, format]);
    }
  });

  test('by its first 700 characters too, and on one line', () => {
    for (const { name, text, format } of nonEmpty(files.filter((file) => file.name.endsWith('.json')))) {
      const line = JSON.stringify(JSON.parse(text));
      expect([name, detectFormat({ text: line.slice(0, 700), isWhole: false })?.name]).toEqual([name, format]);
    }
  });

  test.each([
    ['our own', '{"conversation_id":"c","role":"user","content":"hello"}\n', undefined],
    ['messages of text alone', '[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"}]', 'openai'],
    ['a list of text parts', '{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}', 'openai'],
    ['a day of Slack', '[{"type":"message","user":"U1","text":"a","ts":"1715939221.000200"}]', 'slack'],
    ['one that is broken further on', '[{"role":"user","content":"a"},\n{"role" 1}]', 'openai'],
    ['memories without an envelope', '[{"id":"1","memory":"a"}]', 'mem0'],
    ['an image of Anthropic', '[{"role":"user","content":[{"type":"image","source":{"type":"url"}}]}]', 'anthropic'],
    [
      'an answer of Anthropic',
      '{"type":"message","role":"assistant","content":[],"stop_reason":"end_turn"}',
      'anthropic',
    ],
  ])('%s', (_, text, format) => {
    expect(detectFormat(whole(text))?.name).toBe(format);
  });

  test('what may be of several is refused, and they are named', () => {
    const mixed = { role: 'assistant', content: [{ type: 'tool_use', name: 'f', input: {} }], tool_calls: [] };
    expect(() => detectFormat(whole(JSON.stringify([mixed])))).toThrow(
      '/format is needed: the source may be openai or anthropic.',
    );
  });

  test.each([
    ['nothing', ''],
    ['a number', '7'],
    ['a table', 'a,b\n1,2'],
    ['another object', '{"a":1}'],
    ['a broken one', '{"a'],
  ])('%s is refused', (_, text) => {
    expect(() => detectFormat(whole(text))).toThrow('/format is needed: the source is not recognised');
    expect(detectFormat(whole(text), 'ndjson')).toBeUndefined();
  });
});

test('a source is lines of JSON or one document', () => {
  expect(layoutOf(whole('{"a":1}\n{"a":2}\n'))).toBe('lines');
  expect(layoutOf(whole('{"a":1}'))).toBe('lines');
  expect(layoutOf(whole('{\n"a":1}'))).toBe('document');
  expect(layoutOf({ text: '[\n  {', isWhole: false })).toBe('document');
  expect(layoutOf({ text: '[{"a":', isWhole: false })).toBe('lines');
});
