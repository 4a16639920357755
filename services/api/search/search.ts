import type { Role } from '@memory-layer/shared/db/schema';
import type { SearchFilter } from './filter/search-filter.ts';
import type { DecayMode } from './ranking/decay.ts';
import type { Relevance } from './ranking/relevance.ts';
import type { RankingWeights } from './ranking/weights.ts';

export const searchModes = ['hybrid', 'vector', 'lexical'] as const;
export type SearchMode = (typeof searchModes)[number];

/** What a request says about its ranking; what it leaves open comes from the configuration. */
export interface RankingChoices {
  readonly weights: { readonly [Part in keyof RankingWeights]?: number | undefined };
  readonly decayMode: DecayMode;
  readonly halfLifeDays: number | undefined;
  /** Least final score of a hit, 0 to 1. */
  readonly scoreMin: number | undefined;
  /** Least plain similarity of a hit, -1 to 1. */
  readonly similarityMin: number | undefined;
  /** 0 to 1: how much hits are to differ from one another. */
  readonly diversity: number;
}

/** Candidates from each side, unless a request says otherwise. */
export const defaultCandidateLimit = 60;

export interface SearchRequest {
  readonly tenantId: string;
  readonly query: string;
  readonly mode: SearchMode;
  readonly topK: number;
  /** Candidates taken from each side before ranking. */
  readonly candidateLimit: number;
  readonly filter: SearchFilter;
  readonly ranking: RankingChoices;
  /** Messages shown before and after each hit. */
  readonly neighbours: number;
  /** Undefined: where a reranker is configured. */
  readonly rerank: boolean | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor: string | undefined;
  /** Where its fields came from, for errors that name them. */
  readonly source: 'query' | 'body';
  readonly signal: AbortSignal;
}

/** What made a hit's score; docs/ranking.md has the formula. */
export interface ScoreBreakdown extends Relevance {
  /** Cosine similarity of query and message as the model sees them, -1 to 1; means the same in every query. */
  readonly similarity: number | undefined;
  readonly importance: number;
  readonly decay: number;
  /** What counts in place of the relevance: the reranker's score. */
  readonly rerank?: number;
}

/** A message that stands before or after a hit. */
export interface ShownNeighbour {
  readonly messageId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
}

/** Each in the order of the conversation. */
export interface ShownNeighbours {
  readonly before: readonly ShownNeighbour[];
  readonly after: readonly ShownNeighbour[];
  /** Fewer than there are: more would be too much for one answer. The nearest are there. */
  readonly truncated: boolean;
}

export interface SearchHit {
  readonly messageId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly score: number;
  readonly breakdown: ScoreBreakdown;
  /** Undefined when none were asked for. */
  readonly neighbours: ShownNeighbours | undefined;
}

export interface SearchResult {
  /** Fewer than asked for when more would be too much for one answer. */
  readonly hits: readonly SearchHit[];
  /** They are fewer for that reason. */
  readonly truncated: boolean;
  /** The query could not be embedded: these hits were found by words alone. */
  readonly degraded: boolean;
  /** These hits are in the order of the reranker. */
  readonly reranked: boolean;
  /** Goes on after the first `count` of these hits; undefined at the end, and where pages reach no further. */
  readonly cursorAfter: (count: number) => string | undefined;
  /** Nothing else matches. False at the end too, when pages reach no further or not all messages were compared. */
  readonly exhausted: boolean;
}
