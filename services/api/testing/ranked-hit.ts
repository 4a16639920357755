import type { RankedCandidate } from '../search/ranking/rank.ts';

/** A hit of a ranking, for what comes after it. */
export function rankedHit(id: string, score: number): RankedCandidate {
  return {
    id,
    conversationId: id,
    score,
    breakdown: {
      vector: 0,
      lexical: 0,
      context: 0,
      speaker: 0,
      length: 0,
      role: 0,
      recency: 0,
      session: 0,
      confidence: 0.5,
      nearby: { vector: 0, lexical: 0 },
      time: 0,
      echo: false,
      relevance: 0.9,
      importance: 0.2,
      decay: 0.5,
    },
  };
}
