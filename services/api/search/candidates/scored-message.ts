import { speakerOf } from '@memory-layer/shared/message/speaker';
import { sql, type RawBuilder } from 'kysely';
import type { Candidate } from '../ranking/candidate.ts';
import type { CandidateQuery } from './candidate-query.ts';

/** What is read of a message to rank it. */
export interface ScoredRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly vector_score: number | null;
  readonly term_scores: readonly number[];
  readonly word_count: number;
  readonly speaker: string | null;
  readonly importance: number;
  readonly created_at: Date;
  readonly eligible: boolean;
}

/** The columns of a {@link ScoredRow} for a row of `message m`; the vector's score is not among them. */
export function scoredColumns({ lexical, byWords }: CandidateQuery): RawBuilder<unknown> {
  const termScores = byWords ? lexical.termScores('m') : sql`'{}'::float8[]`;
  return sql`m.id, m.conversation_id, ${termScores} as term_scores, length(m.search_vector) as word_count,
    ${speakerOf('m')} as speaker, m.importance, m.created_at`;
}

export function toCandidate(row: ScoredRow): Candidate {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    vectorScore: row.vector_score ?? undefined,
    termScores: row.term_scores,
    wordCount: row.word_count,
    speaker: row.speaker ?? undefined,
    importance: row.importance,
    createdAt: row.created_at,
    eligible: row.eligible,
  };
}
