import { roundScore } from './candidate.ts';

/** What the messages around one count beside itself, measured by bench/retrieval at the strength 1. */
const vectorShare = { earlier: 0.6, later: 0.3 };
const wordShare = 0.7;
/** Messages before and after one that count, as words or as vectors. */
export const neighbourReach = 2;

/** A message among those that stand around the best candidates, as it is read: in the order of the conversation. */
export interface NeighbourhoodRow {
  readonly id: string;
  /** The message just before it in the conversation; undefined for the first, and where nobody looked. */
  readonly previousId: string | undefined;
  /** Cosines of its vector and those of the row before it, and of the row before that one. */
  readonly similarities: readonly [number | undefined, number | undefined];
}

/** Who stands beside whom in a conversation, as far as it was read. */
export interface Neighbourhood {
  readonly earlierOf: (id: string) => string | undefined;
  readonly laterOf: (id: string) => string | undefined;
  /** Cosine of the vectors of two messages that are at most two apart, the earlier one first. */
  readonly similarityBetween: (earlierId: string | undefined, laterId: string | undefined) => number | undefined;
}

export const noNeighbourhood = createNeighbourhood([]);

/** @param rows each message once, in the order of their conversations. */
export function createNeighbourhood(rows: readonly NeighbourhoodRow[]): Neighbourhood {
  const earlier = new Map<string, string>();
  const later = new Map<string, string>();
  for (const { id, previousId } of rows) {
    if (previousId === undefined) continue;
    earlier.set(id, previousId);
    later.set(previousId, id);
  }
  // What is adjacent in a conversation is adjacent among the rows, since nothing lies between.
  const similarities = new Map(rows.map((row) => [row.id, row.similarities.map(rounded)]));
  return {
    earlierOf: (id) => earlier.get(id),
    laterOf: (id) => later.get(id),
    similarityBetween(earlierId, laterId) {
      if (earlierId === undefined || laterId === undefined) return undefined;
      const before = earlier.get(laterId);
      if (before === earlierId) return similarities.get(laterId)?.[0];
      return before !== undefined && earlier.get(before) === earlierId ? similarities.get(laterId)?.[1] : undefined;
    },
  };
}

function rounded(similarity: number | undefined): number | undefined {
  return similarity === undefined ? undefined : roundScore(similarity);
}

/**
 * How near a message is to the query when it is read together with the one before and the one after it: the cosine of
 * the query and the weighted sum of the three vectors, by the cosines that are known. A missing neighbour says nothing.
 *
 * @param similarityOf the query and a message; undefined when the message has no vector
 * @param strength 0 leaves the neighbours out
 */
export function vectorInContext(
  id: string,
  similarityOf: (id: string) => number | undefined,
  neighbourhood: Neighbourhood,
  strength: number,
): number | undefined {
  const own = similarityOf(id);
  if (own === undefined) return undefined;
  const earlierId = neighbourhood.earlierOf(id);
  const laterId = neighbourhood.laterOf(id);
  const toEarlier = neighbourhood.similarityBetween(earlierId, id);
  const toLater = neighbourhood.similarityBetween(id, laterId);
  // A neighbour without a vector has no similarity: it counts nothing.
  const a = toEarlier === undefined ? 0 : vectorShare.earlier * strength;
  const b = toLater === undefined ? 0 : vectorShare.later * strength;
  const across = neighbourhood.similarityBetween(earlierId, laterId) ?? 0;
  const sum = own + a * similarityAt(earlierId, similarityOf) + b * similarityAt(laterId, similarityOf);
  const squared = 1 + a * a + b * b + 2 * (a * (toEarlier ?? 0) + b * (toLater ?? 0) + a * b * across);
  return sum / Math.sqrt(Math.max(squared, 1e-6));
}

function similarityAt(id: string | undefined, similarityOf: (id: string) => number | undefined): number {
  return (id === undefined ? undefined : similarityOf(id)) ?? 0;
}

/**
 * What each word of the query adds for a message and those up to two before and after it: the most that any of them
 * adds, less with each step away. A word said twice in a row does not count twice.
 */
export function wordsInContext(
  id: string,
  scoresOf: (id: string) => readonly number[],
  neighbourhood: Neighbourhood,
  strength: number,
): readonly number[] {
  const own = scoresOf(id);
  if (strength === 0 || own.length === 0) return own;
  const best = [...own];
  for (const step of [neighbourhood.earlierOf, neighbourhood.laterOf]) {
    let near = step(id);
    let share = 1;
    for (let distance = 0; distance < neighbourReach && near !== undefined; distance += 1) {
      share *= Math.min(1, wordShare * strength);
      const weight = share;
      scoresOf(near).forEach((score, index) => {
        best[index] = Math.max(best[index] ?? 0, weight * score);
      });
      near = step(near);
    }
  }
  return best;
}
