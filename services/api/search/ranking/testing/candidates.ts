import type { Candidate } from '../candidate.ts';
import { createNeighbourhood, type Neighbourhood } from '../context.ts';
import type { RankingOptions } from '../rank.ts';
import { defaultWeights } from '../weights.ts';

const now = new Date('2026-06-01T00:00:00Z');

/** Of a query with one word of weight 1. */
export const rankingOptions: RankingOptions = {
  mode: 'hybrid',
  isWordless: false,
  weights: defaultWeights,
  terms: { weights: [1], dates: [] },
  form: {
    words: new Set(['where', 'does', 'ana', 'live']),
    isFirstPerson: false,
    asksForReply: false,
    asksForInstructions: false,
  },
  readableShare: 1,
  roleWeights: undefined,
  time: undefined,
  echoes: new Set(),
  decay: { mode: 'half_life', halfLifeDays: 7 },
  now,
  scoreMin: undefined,
  minConfidence: undefined,
  diversity: 0,
};

/** A message that has nothing to do with the query, unless it is said. */
export function candidate(id: string, parts: Partial<Candidate> = {}): Candidate {
  return {
    id,
    vectorScore: 0,
    termScores: [0],
    wordCount: 10,
    conversationId: id,
    role: 'user',
    speaker: undefined,
    importance: 0.2,
    createdAt: now,
    eligible: true,
    ...parts,
  };
}

/** Messages in a row, whose vectors are all so similar to one another. */
export function chainOf(ids: readonly string[], similarity = 0.5): Neighbourhood {
  return createNeighbourhood(
    ids.map((id, index) => ({
      id,
      previousId: ids[index - 1],
      similarities: [index > 0 ? similarity : undefined, index > 1 ? similarity : undefined] as const,
    })),
  );
}
