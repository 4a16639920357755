import { expect, test } from 'vitest';
import { createProgress } from './progress.ts';

test('prints rate and time left now and then, and the end always', () => {
  const lines: string[] = [];
  let now = 0;
  const say = (line: string): number => lines.push(line);
  const progress = createProgress({ what: 'stored', total: 1000, say, nowMs: () => now, everyMs: 5000 });
  // A hundred were there before.
  progress.at(100);
  for (now = 1000; now <= 9000; now += 1000) progress.at(100 + now / 10);
  expect(lines).toEqual(['stored: 600 of 1000, 100/s, 4 s left', 'stored: 1000 of 1000, 100/s']);
});
