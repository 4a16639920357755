import { vi } from 'vitest';

/**
 * Tries until the expectation holds. Half a minute is only there to end a test that fails: what is waited for may take
 * long on a busy machine, or while other test files hold transactions open.
 */
export async function eventually(expectation: () => unknown, { everyMs = 20 } = {}): Promise<void> {
  await vi.waitFor(expectation, { timeout: 30_000, interval: everyMs });
}
