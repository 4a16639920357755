import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';

/**
 * Tries until the expectation holds. Half a minute is only there to end a test that fails: what is waited for may take
 * long on a busy machine, or while other test files hold transactions open.
 */
export async function eventually(expectation: () => unknown, { everyMs = 20 } = {}): Promise<void> {
  await vi.waitFor(expectation, { timeout: 30_000, interval: everyMs });
}

/** Waits until fifty turns of the event loop change nothing of the number: for work that no timer and no socket holds up. */
export async function untilUnchanged(read: () => number): Promise<void> {
  for (let before = Number.NaN; before !== read();) {
    before = read();
    for (let turn = 0; turn < 50; turn++) await nextTurn();
  }
}
