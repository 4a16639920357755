import { speakerOf } from '@memory-layer/shared/message/speaker';
import { sql, type RawBuilder } from 'kysely';
import type { Candidate } from '../ranking/candidate.ts';
import type { CandidateQuery } from './candidate-query.ts';

/** What is read of a message to rank it. */
export interface ScoredRow {
  readonly id: string;
  readonly vector_score: number | null;
  /** Joined by commas: a tenth of what an array costs to read. */
  readonly term_scores: string;
  readonly word_count: number;
  readonly speaker: string | null;
  readonly importance: number;
  /** Milliseconds since 1970. */
  readonly created_at: number;
  readonly eligible: boolean;
}

/** The columns of a {@link ScoredRow} for a row of `message m`; the vector's score is not among them. */
export function scoredColumns({ lexical, byWords }: CandidateQuery): RawBuilder<unknown> {
  const termScores = byWords ? lexical.termScores('m') : sql`''`;
  return sql`m.id, ${termScores} as term_scores, length(m.search_vector) as word_count,
    ${speakerOf('m')} as speaker, m.importance, (extract(epoch from m.created_at) * 1000)::float8 as created_at`;
}

export function toCandidate(row: ScoredRow): Candidate {
  return {
    id: row.id,
    vectorScore: row.vector_score ?? undefined,
    termScores: row.term_scores === '' ? [] : row.term_scores.split(',').map(Number),
    wordCount: row.word_count,
    speaker: row.speaker ?? undefined,
    importance: row.importance,
    createdAt: new Date(row.created_at),
    eligible: row.eligible,
  };
}
