import { expect, test } from 'vitest';
import { bootstrap, type Sample } from './bootstrap.ts';

/** `chats` chats of `each` questions, the value of each said by `valueOf`. */
function samples(chats: number, each: number, valueOf: (chat: number, question: number) => number | null): Sample[] {
  return Array.from({ length: chats * each }, (_, n) => {
    const chat = Math.floor(n / each);
    return { chatId: `c${chat}`, values: [valueOf(chat, n % each)] };
  });
}

const widthOf = (drawn: readonly Sample[]): number => {
  const [interval] = bootstrap(drawn, 7);
  return (interval?.high ?? 0) - (interval?.low ?? 0);
};

test('equal values have an interval without width', () => {
  const equal = samples(4, 10, () => 0.25);
  expect(bootstrap(equal)).toEqual([{ mean: 0.25, low: 0.25, high: 0.25 }]);
});

test('of a share of one half in 400 questions of one chat it is the normal interval', () => {
  const half = samples(1, 400, (_, n) => n % 2);
  expect(bootstrap(half)[0]?.mean).toBe(0.5);
  expect(widthOf(half)).toBeCloseTo(2 * 1.96 * Math.sqrt(0.25 / 400), 2);
});

test('questions of a chat that are all alike count as one', () => {
  // Sixteen chats, half of them known and half not: as if there were 16 questions, and not 400.
  const alike = samples(16, 25, (chat) => chat % 2);
  const expected = 2 * 1.96 * Math.sqrt(0.25 / 16);
  expect(Math.abs(widthOf(alike) - expected)).toBeLessThan(expected / 5);
});

test('a chat with more questions counts more: means are over questions', () => {
  const uneven = [...samples(1, 30, () => 1), { chatId: 'small', values: [0] }];
  expect(bootstrap(uneven)[0]?.mean).toBeCloseTo(30 / 31);
});

test('what has no value does not count, and where nothing has one there is no interval', () => {
  const half = samples(2, 50, (_, n) => (n % 2 === 0 ? 1 : null));
  expect(bootstrap(half)[0]).toEqual({ mean: 1, low: 1, high: 1 });
  const nothing = samples(2, 2, () => null);
  expect(bootstrap(nothing)).toEqual([null]);
});

test('the same seed draws the same, another one something else', () => {
  const mixed = samples(5, 20, (chat, n) => ((chat * 7 + n * 3) % 11) / 11);
  expect(bootstrap(mixed, 7)).toEqual(bootstrap(mixed, 7));
  expect(bootstrap(mixed, 7)).not.toEqual(bootstrap(mixed, 8));
});
