import type { RankedCandidate } from '../ranking/rank.ts';
import type { HitRow } from '../search.repository.ts';
import type { SearchHit, ShownNeighbours } from '../search.ts';

export function toHit(ranked: RankedCandidate, row: HitRow, neighbours: ShownNeighbours | undefined): SearchHit {
  return {
    messageId: row.id,
    conversationId: row.conversation_id,
    role: row.role,
    content: row.content,
    metadata: row.metadata,
    createdAt: row.created_at,
    score: ranked.score,
    breakdown: { ...ranked.breakdown, similarity: row.similarity ?? undefined },
    neighbours,
  };
}
