import type { Role } from '@memory-layer/shared/db/schema';

export const searchModes = ['hybrid', 'vector', 'lexical'] as const;
export type SearchMode = (typeof searchModes)[number];

/** Which messages may be hits. Undefined parts do not filter. */
export interface SearchFilter {
  readonly conversationIds: readonly string[] | undefined;
  readonly roles: readonly Role[] | undefined;
  readonly createdAfter: Date | undefined;
  readonly createdBefore: Date | undefined;
  readonly importanceMin: number | undefined;
  /** Key-value pairs that a message's metadata must contain. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

export interface SearchRequest {
  readonly tenantId: string;
  readonly query: string;
  readonly mode: SearchMode;
  readonly topK: number;
  /** Candidates taken from each side before ranking. */
  readonly candidateLimit: number;
  readonly filter: SearchFilter;
  readonly signal: AbortSignal;
}

/** What made a hit's score, each part 0 to 1 except similarity. */
export interface ScoreBreakdown {
  /** Cosine similarity of query and message as the model sees them, -1 to 1; means the same in every query. */
  readonly similarity: number | undefined;
  /** The vector side, scaled over this query's candidates. */
  readonly vector: number;
  /** The words, scaled over this query's candidates. */
  readonly lexical: number;
  /** What the messages before and after say, scaled likewise. */
  readonly context: number;
  /** The three above, fused. */
  readonly relevance: number;
  readonly importance: number;
  readonly decay: number;
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
}

export interface SearchResult {
  readonly hits: readonly SearchHit[];
  /** The query could not be embedded: these hits were found by words alone. */
  readonly degraded: boolean;
}
