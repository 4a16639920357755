import { expect, test } from 'vitest';
import { splitIntoPassages } from '@memory-layer/shared/embedding/passage-splitter';
import { spokenText, splitMessage } from './split-message.ts';

/** A model that sees eight words at a time. */
const embedder = {
  maxTokens: 8,
  split: (text: string) =>
    Promise.resolve(
      splitIntoPassages(text, { capacity: 8, count: (part) => part.split(/\s+/u).filter(Boolean).length }),
    ),
};
const whole = { from: 0, limit: 8192 };

async function passagesOf(message: Parameters<typeof splitMessage>[0]): Promise<readonly string[]> {
  const { passages, end } = await splitMessage(message, embedder, whole);
  expect(end).toBe(spokenText(message).length);
  return passages;
}

const long = Array.from({ length: 30 }, (_, index) => `w${index}`).join(' ');

test('the speaker comes before what was said', async () => {
  expect(await passagesOf({ speaker: 'Ana', content: 'I moved.' })).toEqual(['Ana: I moved.']);
  expect(await passagesOf({ speaker: undefined, content: 'I moved.' })).toEqual(['I moved.']);
  expect(await passagesOf({ speaker: ' ', content: 'I moved.' })).toEqual(['I moved.']);
});

test('of a long message every passage fits, and no word of it is lost', async () => {
  const passages = await passagesOf({ speaker: 'Ana', content: long });
  for (const passage of passages) expect(passage.split(' ').length).toBeLessThanOrEqual(8);
  expect(passages.join(' ').replaceAll('Ana: ', '')).toBe(long);
  expect(passages.filter((passage) => passage.startsWith('Ana: ')).length).toBeGreaterThanOrEqual(4);
});

test('a name that would take most of the window is not repeated, so that it cannot multiply a message', async () => {
  const speaker = '\ufdfa'.repeat(64);
  const passages = await passagesOf({ speaker, content: long });
  expect(passages.filter((passage) => passage.includes(speaker))).toHaveLength(1);
  expect(passages.join(' ')).toBe(`${speaker}: ${long}`);
});

test('part by part nothing is lost either, and each part has the speaker', async () => {
  const parts: string[] = [];
  const message = { speaker: 'Ana', content: long };
  for (let from = 0, rounds = 0; from < spokenText(message).length && rounds < 100; rounds += 1) {
    const part = await splitMessage(message, embedder, { from, limit: 40 });
    parts.push(...part.passages);
    from = part.end;
  }
  expect(parts.join(' ').replaceAll('Ana: ', '')).toBe(long);
  expect(parts.filter((passage) => passage.startsWith('Ana: ')).length).toBeGreaterThanOrEqual(4);
});
