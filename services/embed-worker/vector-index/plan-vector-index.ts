import type { IdRange } from '@memory-layer/shared/vector-index/id-range';

/** Vectors of a tenant in a range of message ids. */
export interface CountedRange extends IdRange {
  readonly vectors: number;
}

export interface CountedSegment extends CountedRange {
  readonly indexName: string;
}

/** How a tenant's vectors stand. */
export interface VectorCounts {
  /** In the order of their ids. */
  readonly segments: readonly CountedSegment[];
  /** What is not indexed, in order; the last one is the tail, where new messages come. */
  readonly gaps: readonly CountedRange[];
  /** Few vectors come in now: time for tidying up. */
  readonly isQuiet: boolean;
}

export interface PlanLimits {
  /** A tenant with fewer vectors has no index. */
  readonly minVectors: number;
  /** Vectors beyond the last segment that are searched exactly before they become a segment. */
  readonly maxTail: number;
  /** What fits into the memory of a build. */
  readonly maxSegment: number;
}

/** A segment to build: from the first of those that it replaces on, and how many vectors into a gap. */
export interface SegmentBuild {
  readonly afterId: string;
  readonly gap: IdRange;
  /** Vectors to take from the gap, in the order of their ids. */
  readonly fresh: number;
  /** All that it will hold. */
  readonly vectors: number;
  readonly replaces: readonly string[];
}

export interface VectorIndexPlan {
  readonly drop: readonly string[];
  readonly build: SegmentBuild | undefined;
}

// While vectors pour in, three segments of a size become one: each vector is built in about 1 + log3(n / maxTail)
// times two thirds segments. In quiet times a segment joins the next one unless it is six times as large.
const busyFan = 3;
const quietFan = 6;

/**
 * What to do about a tenant's index, one step at a time: the sizes of segments grow geometrically from the newest to
 * the oldest, as in a log-structured merge tree (O'Neil et al., 1996), so that each vector is indexed few times and a
 * search asks few segments. A pure function of the counts.
 */
export function planVectorIndex(counts: VectorCounts, limits: PlanLimits): VectorIndexPlan {
  const { segments, gaps } = counts;
  const total = sum(segments) + sum(gaps);
  // Half, so that a tenant about the limit does not gain and lose an index again and again.
  if (total < limits.minVectors / 2) return { drop: segments.map((segment) => segment.indexName), build: undefined };
  if (segments.length === 0 && total < limits.minVectors) return { drop: [], build: undefined };
  // So few are searched exactly as fast as with the index.
  const shrunken = segments.filter((segment) => segment.vectors < limits.maxTail / 8);
  if (shrunken.length > 0) return { drop: shrunken.map((segment) => segment.indexName), build: undefined };
  const reopened = gaps.slice(0, -1).find((gap) => gap.vectors >= limits.maxTail);
  if (reopened) return { drop: [], build: buildOf([], reopened, reopened.vectors, limits) };
  return { drop: [], build: buildTail(counts, limits) };
}

function buildTail({ segments, gaps, isQuiet }: VectorCounts, limits: PlanLimits): SegmentBuild | undefined {
  const tail = gaps.at(-1);
  if (tail === undefined) return undefined;
  const joined = isQuiet ? joinQuietly(segments, tail.vectors, limits) : joinBusily(segments, tail.vectors, limits);
  const isLong = tail.vectors >= (isQuiet && segments.length > 0 ? limits.maxTail / 4 : limits.maxTail);
  if (!isLong && !(isQuiet && joined.length > 1)) return undefined;
  return buildOf(joined, tail, Math.ceil(tail.vectors * (1 - leftOut)), limits);
}

function buildOf(
  joined: readonly CountedSegment[],
  gap: CountedRange,
  wanted: number,
  limits: PlanLimits,
): SegmentBuild {
  const fresh = Math.min(wanted, limits.maxSegment - sum(joined));
  return {
    afterId: joined[0]?.afterId ?? gap.afterId,
    gap: { afterId: gap.afterId, throughId: gap.throughId },
    fresh,
    vectors: sum(joined) + fresh,
    replaces: joined.map((segment) => segment.indexName),
  };
}

// The newest stay in the tail: a message that was embedded a little later than its neighbours would otherwise be
// added to a finished index, which costs several times what building costs.
const leftOut = 0.05;

/** The newest segments, three at a time with the new one, as long as they are of its size. */
function joinBusily(segments: readonly CountedSegment[], tail: number, limits: PlanLimits): CountedSegment[] {
  const joined: CountedSegment[] = [];
  for (;;) {
    const size = tail + sum(joined);
    const older = segments.slice(0, segments.length - joined.length);
    const run = older.slice(older.findLastIndex((segment) => segment.vectors >= busyFan * size) + 1);
    if (run.length < busyFan - 1 || size + sum(run) > limits.maxSegment) return joined;
    joined.unshift(...run);
  }
}

/** The newest segments, one by one, until one is much larger than the rest. */
function joinQuietly(segments: readonly CountedSegment[], tail: number, limits: PlanLimits): CountedSegment[] {
  const isLong = tail >= limits.maxTail / 4;
  // A short tail alone is no reason to build the last segment again, but goes with it when two are joined.
  const joined = isLong ? [] : segments.slice(-1);
  for (const segment of segments.slice(0, segments.length - joined.length).toReversed()) {
    const size = tail + sum(joined);
    if (segment.vectors >= quietFan * size || size + segment.vectors > limits.maxSegment) break;
    joined.unshift(segment);
  }
  return joined;
}

function sum(ranges: readonly CountedRange[]): number {
  return ranges.reduce((total, range) => total + range.vectors, 0);
}
