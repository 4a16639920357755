import type { NamedTime } from '../query/time-words.ts';
import type { Candidate } from './candidate.ts';

// What a message of the time counts more, at the strength 1: less than one of the rarer words of a query.
const share = 0.2;
const dayMs = 86_400_000;

/**
 * What each candidate gains by when it was said, given the time that a query names: the most within it, half of that at
 * half its length from it, and at least a day. Nothing when no candidate is of that time, so that a time of which
 * nothing is stored moves nothing.
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
