import type { Role } from '@memory-layer/shared/db/schema';
import type { SearchMode } from '../query/search-request.ts';

/** A message that may become a hit, with what it is ranked by. */
export interface Candidate {
  readonly id: string;
  /** Cosine similarity to the centred query, of its best passage; undefined while the message has no vector. */
  readonly vectorScore: number | undefined;
  /** What each word of the query adds to its BM25, in the order of the query's words. */
  readonly termScores: readonly number[];
  /** How many different words it has, without stop words. */
  readonly wordCount: number;
  readonly conversationId: string;
  readonly role: Role;
  /** Who said it, where that is known. */
  readonly speaker: string | undefined;
  readonly importance: number;
  readonly createdAt: Date;
  /** False for a neighbour that gives evidence but does not pass the filter. */
  readonly eligible: boolean;
}

/**
 * A cosine or a score of a word, to six digits: what is added up in single precision differs in the seventh by the order
 * of adding, and equals are to be equals whoever compared them.
 */
export function roundScore(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

export interface MatchOptions {
  readonly mode: SearchMode;
  /** The query has no words to score by, only what hits must have or must not: whatever passes matches. */
  readonly isWordless: boolean;
}

/** Whether a message is found by itself, and not only by what stands around it. */
export function matchesItself(candidate: Candidate, { mode, isWordless }: MatchOptions): boolean {
  const byVector = mode !== 'lexical' && candidate.vectorScore !== undefined;
  const byWords = mode !== 'vector' && (isWordless || candidate.termScores.some((score) => score > 0));
  return byVector || byWords;
}
