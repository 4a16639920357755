import type { NamedTime } from '../query/time-words.ts';
import type { Candidate } from './candidate.ts';

// Gain of a message of that time at strength 1: less than that of a rare word of the query.
const share = 0.2;
const dayMs = 86_400_000;

/**
 * The gain of each candidate by its date, given the time that a query names. It is greatest within that time, and halves
 * with each half of its length (at least a day) that a message is away from it. It is 0 when no candidate is of that
 * time, so that a time without messages changes nothing.
 */
export function timeGain(
  candidates: readonly Candidate[],
  time: NamedTime | undefined,
  strength: number,
): (candidate: Candidate) => number {
  if (time === undefined || strength === 0) return () => 0;
  const [from, to] = [time.from.getTime(), time.to.getTime()];
  const distance = ({ createdAt }: Candidate) => {
    const at = createdAt.getTime();
    return at < from ? from - at : Math.max(0, at - to + 1);
  };
  if (!candidates.some((candidate) => candidate.eligible && distance(candidate) === 0)) return () => 0;
  const halfMs = Math.max(dayMs, (to - from) / 2);
  return (candidate) => share * strength * 0.5 ** (distance(candidate) / halfMs);
}
