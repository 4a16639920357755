import type { Neighbourhood } from './neighbourhood.ts';

/** What the messages around one count beside itself, measured by bench/retrieval at the strength 1. */
const vectorShare = { earlier: 0.6, later: 0.3 };
const wordShare = 0.7;
const wordReach = 2;

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
  const toEarlier = neighbourhood.likenessOf(earlierId, id);
  const toLater = neighbourhood.likenessOf(id, laterId);
  // A neighbour without a vector has no likeness: it counts nothing.
  const a = toEarlier === undefined ? 0 : vectorShare.earlier * strength;
  const b = toLater === undefined ? 0 : vectorShare.later * strength;
  const across = neighbourhood.likenessOf(earlierId, laterId) ?? 0;
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
    for (let distance = 0; distance < wordReach && near !== undefined; distance += 1) {
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
