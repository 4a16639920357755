import { describe, expect, test } from 'vitest';
import { createChatTexts } from './chat-texts.ts';

const texts = createChatTexts();
const sample = Array.from({ length: 3000 }, (_, n) => texts.message(n, Math.floor(n / 20)));
const wordsOf = (text: string) => text.match(/[a-z]+/g) ?? [];

describe('chat texts', () => {
  test('are the same for the same number, and different for others', () => {
    expect(createChatTexts().message(5, 0)).toBe(sample[5]);
    expect(new Set(sample).size).toBe(sample.length);
    expect(texts.question(1, 3)).not.toBe(texts.question(2, 3));
  });

  test('have lengths and words as chats do', () => {
    const lengths = sample.map((text) => wordsOf(text).length).toSorted((a, b) => a - b);
    expect(lengths[1500]).toBeGreaterThan(20);
    expect(lengths[1500]).toBeLessThan(30);
    const counts = new Map<string, number>();
    for (const text of sample) for (const word of new Set(wordsOf(text))) counts.set(word, (counts.get(word) ?? 0) + 1);
    const byCount = [...counts.values()].toSorted((a, b) => b - a);
    // The most common word is in most messages, and most words are in hardly any.
    expect(byCount[0]).toBeGreaterThan(sample.length / 2);
    expect(byCount[Math.floor(byCount.length / 2)]).toBeLessThan(20);
    expect(byCount.length).toBeGreaterThan(8000);
  });
});
