export interface ProgressOptions {
  readonly what: string;
  readonly total: number;
  readonly say: (line: string) => void;
  readonly nowMs?: () => number;
  /** Least time between two lines. */
  readonly everyMs?: number;
}

export interface Progress {
  /** `done` of the total are finished now. */
  at(done: number): void;
}

/** Says how far something is, how fast it goes and how long it will still take; the last line always. */
export function createProgress({
  what,
  total,
  say,
  nowMs = () => performance.now(),
  everyMs = 5000,
}: ProgressOptions): Progress {
  const startedMs = nowMs();
  let saidMs = startedMs;
  let first: number | undefined;
  return {
    at(done) {
      // What was there at the start took no time.
      first ??= done;
      const now = nowMs();
      if (done < total && now - saidMs < everyMs) return;
      saidMs = now;
      const seconds = (now - startedMs) / 1000;
      const rate = (done - first) / seconds;
      const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : '';
      say(`${what}: ${done} of ${total}, ${rate.toFixed(rate < 10 ? 1 : 0)}/s${done < total ? left : ''}`);
    },
  };
}
