import { expect, test } from 'vitest';
import { splitIntoPassages } from '@memory-layer/shared/embedding/passage-splitter';
import { splitMessage } from './split-message.ts';

/** A model that sees eight words at a time. */
const embedder = {
  split: (text: string) =>
    Promise.resolve(
      splitIntoPassages(text, { capacity: 8, count: (part) => part.split(/\s+/u).filter(Boolean).length }),
    ),
};
const long = Array.from({ length: 30 }, (_, index) => `w${index}`).join(' ');

test('the speaker comes before what was said', async () => {
  expect(await splitMessage({ speaker: 'Ana', content: 'I moved.' }, embedder)).toEqual(['Ana: I moved.']);
  expect(await splitMessage({ speaker: undefined, content: 'I moved.' }, embedder)).toEqual(['I moved.']);
  expect(await splitMessage({ speaker: ' ', content: 'I moved.' }, embedder)).toEqual(['I moved.']);
});

test('of a long message every passage fits, and no word of it is lost', async () => {
  const passages = await splitMessage({ speaker: 'Ana', content: long }, embedder);
  for (const passage of passages) expect(passage.split(' ').length).toBeLessThanOrEqual(8);
  expect(passages.join(' ').replaceAll('Ana: ', '')).toBe(long);
  expect(passages.filter((passage) => passage.startsWith('Ana: ')).length).toBeGreaterThanOrEqual(4);
});
