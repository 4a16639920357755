import { expect, test } from 'vitest';
import { bootstrap, schemes, type BootstrapOptions, type Sample } from './bootstrap.ts';

const options: BootstrapOptions = { scheme: 'questions', resamples: 2000, seed: 7 };

/** `chats` chats of `each` questions, the value of each said by `valueOf`. */
function samples(chats: number, each: number, valueOf: (chat: number, question: number) => number | null): Sample[] {
  return Array.from({ length: chats * each }, (_, n) => {
    const chat = Math.floor(n / each);
    return { chatId: `c${chat}`, values: [valueOf(chat, n % each)] };
  });
}

test.each(schemes)('equal values have an interval without width (%s)', (scheme) => {
  const [interval] = bootstrap(
    samples(4, 10, () => 0.25),
    { ...options, scheme },
  );
  expect(interval).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
});

test('of a share of one half in 400 independent questions it is the normal interval', () => {
  const [interval] = bootstrap(
    samples(4, 100, (_, n) => n % 2),
    options,
  );
  const half = 1.96 * Math.sqrt(0.25 / 400);
  expect(interval?.mean).toBe(0.5);
  expect(interval?.low).toBeCloseTo(0.5 - half, 2);
  expect(interval?.high).toBeCloseTo(0.5 + half, 2);
});

test('questions of a chat that are all alike count as one where chats are drawn', () => {
  // Sixteen chats, half of them known and half not: as if there were 16 questions, and not 400.
  const alike = samples(16, 25, (chat) => chat % 2);
  const widthOf = (scheme: BootstrapOptions['scheme']): number => {
    const [interval] = bootstrap(alike, { ...options, scheme });
    return (interval?.high ?? 0) - (interval?.low ?? 0);
  };
  const expected = 2 * 1.96 * Math.sqrt(0.25 / 16);
  expect(widthOf('questions')).toBeLessThan(expected / 4);
  expect(Math.abs(widthOf('chats') - expected)).toBeLessThan(expected / 5);
  expect(Math.abs(widthOf('chats-and-questions') - expected)).toBeLessThan(expected / 5);
});

test('a chat with more questions counts more: means are over questions', () => {
  const uneven = [...samples(1, 30, () => 1), { chatId: 'small', values: [0] }];
  expect(bootstrap(uneven, options)[0]?.mean).toBeCloseTo(30 / 31);
});

test('what has no value does not count, and where nothing has one there is no interval', () => {
  const half = samples(2, 50, (_, n) => (n % 2 === 0 ? 1 : null));
  expect(bootstrap(half, options)[0]).toEqual({ mean: 1, low: 1, high: 1 });
  expect(
    bootstrap(
      samples(2, 2, () => null),
      options,
    ),
  ).toEqual([null]);
});

test('the same seed draws the same, another one something else', () => {
  const mixed = samples(5, 20, (chat, n) => ((chat * 7 + n * 3) % 11) / 11);
  expect(bootstrap(mixed, options)).toEqual(bootstrap(mixed, options));
  expect(bootstrap(mixed, options)).not.toEqual(bootstrap(mixed, { ...options, seed: 8 }));
});
