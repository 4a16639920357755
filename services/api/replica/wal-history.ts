interface Written {
  readonly position: number;
  readonly atMs: number;
}

/**
 * What the primary had written to its log when, so that a standby's position shows how old its data is. Neither
 * clocks of other machines nor the standby's own idea of its lag matter: one that is cut off from its primary, or whose
 * replay is paused, takes itself to be up to date.
 */
export class WalHistory {
  readonly #keptMs: number;
  #written: Written[] = [];

  /** @param keptMs how far back lags are distinguished. */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  /**
   * @param position of the primary's log, in bytes.
   * @param atMs when it was asked for: whatever was committed before is no further than that.
   */
  add(position: number, atMs: number): void {
    const last = this.#written.at(-1);
    // A primary that begins again elsewhere: its positions have nothing to do with those before.
    if (last !== undefined && position < last.position) this.#written = [];
    this.#written.push({ position, atMs });
    // The last one of those that are too old stays: it is where the history begins.
    const tooOld = this.#written.findLastIndex((written) => written.atMs < atMs - this.#keptMs);
    if (tooOld > 0) this.#written.splice(0, tooOld);
  }

  /**
   * How long ago a standby that has replayed up to `position` showed everything: at most so long, and never less. 0
   * when nothing is missing; infinity when that was before the history begins, or nothing is known.
   */
  lagMs(position: number, nowMs: number): number {
    const newest = this.#written.at(-1);
    if (newest === undefined) return Number.POSITIVE_INFINITY;
    if (position >= newest.position) return 0;
    const shown = this.#written.findLast((written) => written.position <= position);
    return shown === undefined ? Number.POSITIVE_INFINITY : nowMs - shown.atMs;
  }
}
