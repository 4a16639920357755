import { setTimeout as sleep } from 'node:timers/promises';

export interface SamplerOptions {
  /** How long a value, or the lack of one, is remembered. */
  readonly maxAgeMs: number;
  /** Longest wait for a value. A read that takes longer goes on, and no other one is begun beside it. */
  readonly timeoutMs: number;
}

/**
 * Reads something for scrapes without letting it hold them up: rarely, never twice at once, never for long.
 *
 * @returns a function that never rejects; undefined stands for what could not be read in time.
 */
export function createSampler<T>(read: () => Promise<T>, options: SamplerOptions): () => Promise<T | undefined> {
  let last: { readonly value: T | undefined; readonly at: number } | undefined;
  let underWay: Promise<T | undefined> | undefined;

  async function refresh(): Promise<T | undefined> {
    const value = await attempt(read);
    last = { value, at: performance.now() };
    underWay = undefined;
    return value;
  }

  return async () => {
    if (last !== undefined && performance.now() - last.at < options.maxAgeMs) return last.value;
    underWay ??= refresh();
    return within(underWay, options.timeoutMs);
  };
}

async function attempt<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}

async function within<T>(work: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
