/**
 * `half_life`: halves with every half-life. `legacy`: as the service that this one replaces, 1/e after a week.
 * `none`: nothing fades, so the part is 1 for all.
 */
export const decayModes = ['half_life', 'legacy', 'none'] as const;
export type DecayMode = (typeof decayModes)[number];

export interface DecayOptions {
  readonly mode: DecayMode;
  /** Counts in the mode `half_life` alone. */
  readonly halfLifeDays: number;
}

const dayMs = 86_400_000;
const legacyDays = 7;

/** What is left of a message's freshness at `now`, 0 to 1. What lies in the future counts as now. */
export function decayOf(createdAt: Date, now: Date, { mode, halfLifeDays }: DecayOptions): number {
  const ageDays = Math.max(0, now.getTime() - createdAt.getTime()) / dayMs;
  if (mode === 'none') return 1;
  return mode === 'legacy' ? Math.exp(-ageDays / legacyDays) : 0.5 ** (ageDays / halfLifeDays);
}
