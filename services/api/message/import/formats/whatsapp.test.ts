import { expect, test } from 'vitest';
import type { Mapped } from './format.ts';
import { whatsapp } from './whatsapp.ts';

const options = { conversationId: 'c', timezone: 'UTC', dateOrder: 'dmy', sample: '' } as const;

/** Lines by their numbers. */
function read(lines: readonly (readonly [number, string])[]): Mapped['result'][] {
  const reader = whatsapp.reader(options);
  const found = lines.flatMap(([line, value]) => [...reader.take({ kind: 'item', path: [line], value })]);
  return [...found, ...reader.take({ kind: 'end', path: [], fields: {} })].map(({ result }) => result);
}

test('blank lines in a message are kept, and are none of their number when they are more than a message has', () => {
  const header = '17.05.24, 15:04 - Ana: Hallo';
  const [message] = read([
    [1, header],
    [4, 'du'],
  ]);
  expect(message).toMatchObject({ content: 'Hallo\n\n\ndu' });
  const [large, next] = read([
    [1, header],
    [500_000_000, 'du'],
    [500_000_001, header],
  ]);
  expect(large).toMatchObject({ content: expect.any(String) });
  expect(large !== undefined && 'content' in large && large.content.length).toBeLessThan(300_000);
  expect(next).toMatchObject({ content: 'Hallo' });
});
