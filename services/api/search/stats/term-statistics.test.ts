import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TermStatistics } from './term-statistics.ts';
import { sampleOf } from './testing/sample-of.ts';

test('every word is found in just the messages that have it', () => {
  const word = fc.stringMatching(/^[a-c]{1,3}$/);
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(word, { maxLength: 5 }), { maxLength: 12 }), word, (messages, term) => {
      const statistics = new TermStatistics(sampleOf(messages));
      const having = messages.flatMap((words, place) => (words.includes(term) ? [place] : []));
      expect(statistics.postingsOf(term)).toEqual(having);
      expect(statistics.frequency(term)).toBe(having.length);
      expect(statistics.roughCount(term)).toBeGreaterThanOrEqual(having.length);
      // A message without words looks like one with an empty word.
      const lengths = messages.map((words) => Math.max(1, words.length));
      expect(messages.map((_, place) => statistics.lengthOf(place))).toEqual(lengths);
    }),
  );
});

test('a sample stands for all messages of the tenant', () => {
  const statistics = new TermStatistics(sampleOf([['a', 'b'], ['a']], 100));
  expect(statistics.frequency('a')).toBe(100);
  expect(statistics.frequency('b')).toBe(50);
  expect(statistics.averageLength).toBe(1.5);
  expect(statistics.idf('b')).toBeGreaterThan(statistics.idf('a'));
});

test('words are counted at once, hardly any of them too high and none too low', () => {
  const count = 20_000;
  const words = Array.from({ length: count }, (_, n) => `word${n}`);
  const statistics = new TermStatistics(sampleOf([words, words.filter((_, n) => n % 2 === 0)]));
  const counts = words.map((word) => statistics.roughCount(word));
  expect(counts.every((rough, n) => rough >= (n % 2 === 0 ? 2 : 1))).toBe(true);
  expect(counts.filter((rough, n) => rough > (n % 2 === 0 ? 2 : 1)).length).toBeLessThan(count / 20);
});

test('what was looked up is remembered only so far', () => {
  const words = Array.from({ length: 70 }, (_, n) => `w${n}`);
  const statistics = new TermStatistics(sampleOf(Array.from({ length: 4096 }, () => ['a', ...words])));
  const first = statistics.postingsOf('a');
  expect(statistics.postingsOf('a')).toBe(first);
  for (const word of words) statistics.postingsOf(word);
  expect(statistics.postingsOf('a')).not.toBe(first);
  expect(statistics.postingsOf('a')).toEqual(first);
});

test('how unequal messages are in length is the standard deviation by the mean', () => {
  const spread = (...lengths: number[]) =>
    new TermStatistics(sampleOf(lengths.map((length) => Array.from({ length }, (_, n) => `w${n}`)))).lengthSpread;
  expect([spread(), spread(2, 2), spread(1, 3)]).toEqual([0, 0, 0.5]);
  expect(spread(1, 1, 1, 5)).toBeCloseTo(Math.sqrt(3) / 2);
});

test('a sample is read a slice at a time, and is the same as one that is read at once', async () => {
  const messages = Array.from({ length: 40 }, (_, n) => Array.from({ length: 5000 }, (__, m) => `w${n * 31 + m}`));
  const [sliced, atOnce] = [new TermStatistics(sampleOf(messages)), new TermStatistics(sampleOf(messages))];
  const progress = { turns: 0, isRead: false };
  const reading = Promise.all([sliced.read({ counts: true }), sliced.read({ counts: true })]).finally(() => {
    progress.isRead = true;
  });
  for (; !progress.isRead; progress.turns += 1) await setImmediate();
  await reading;
  // Of 65 536 characters each, once for the messages and once for the counts.
  expect(progress.turns).toBeGreaterThanOrEqual(2 * Math.floor(sliced.size / 65_536));
  const words = Array.from({ length: 6300 }, (_, n) => `w${n}`);
  expect(words.map((word) => sliced.roughCount(word))).toEqual(words.map((word) => atOnce.roughCount(word)));
  const places = messages.map((_, place) => place);
  expect(places.map((place) => sliced.lengthOf(place))).toEqual(places.map((place) => atOnce.lengthOf(place)));
  expect(sliced.longPlaces).toEqual(places);
  expect(sliced.postingsOf('w31')).toEqual([0, 1]);
});
