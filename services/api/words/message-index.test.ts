import type { Role } from '@memory-layer/shared/db/schema';
import { expect, test } from 'vitest';
import { instructionTerm } from './instruction.ts';
import { indexMessage, itemDelimiter } from './message-index.ts';

const saidBy = (role: Role, content: string, metadata = {}) => ({ role, content, metadata });
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `word${n}`);

test('a message with more positions than a tsvector has passages, which overlap by the longest phrase', () => {
  const words = numbered(16_001);
  const passages = indexMessage(saidBy('user', words.join(' '))).passages?.split(itemDelimiter) ?? [];
  for (const start of [0, 100, 191, 192, 193, 255, 256, 8000, 16_001 - 64]) {
    const phrase = words.slice(start, start + 64).join(' ');
    expect(passages.some((passage) => passage.includes(phrase))).toBe(true);
  }
  expect(Math.max(...passages.map((passage) => passage.split(' ').length))).toBe(256);
});

test('so has one that repeats a word, unless it is as short as a stop word', () => {
  const repeated = (word: string, count: number) => [...numbered(2001), ...Array.from({ length: count }, () => word)];
  expect(indexMessage(saidBy('user', repeated('boat', 200).join(' '))).passages).toBeNull();
  expect(indexMessage(saidBy('user', repeated('boat', 201).join(' '))).passages).not.toBeNull();
  expect(indexMessage(saidBy('user', repeated('the', 201).join(' '))).passages).toBeNull();
  expect(indexMessage(saidBy('user', '的书'.repeat(1100))).passages).not.toBeNull();
});

test('the words of the speaker come before the parts of the content', () => {
  expect(indexMessage(saidBy('user', 'userName', { speaker: 'Ana Lima' })).parts).toBe(
    ['ana', 'lima', 'user', 'name'].join(itemDelimiter),
  );
});

test('a standing instruction of a user is marked, and advice in a reply is not', () => {
  const text = 'Please always answer in metric units.';
  expect(indexMessage(saidBy('user', text)).exact).toContain(instructionTerm);
  expect(indexMessage(saidBy('system', text)).exact).toContain(instructionTerm);
  expect(indexMessage(saidBy('assistant', text)).exact).toBeNull();
  expect(indexMessage(saidBy('tool', text)).exact).toBeNull();
  expect(indexMessage(saidBy('user', 'It rains.')).exact).toBeNull();
});
