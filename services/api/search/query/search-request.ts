import type { Role } from '@memory-layer/shared/db/schema';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Instant } from '@memory-layer/shared/time/instant';
import type { MetadataFilter } from './metadata-filter.ts';
import type { SearchText } from './parse-query.ts';

export const searchModes = ['hybrid', 'vector', 'lexical'] as const;
export type SearchMode = (typeof searchModes)[number];

/**
 * `half_life`: halves with every half-life. `legacy`: as the service that this one replaces, 1/e after a week.
 * `none`: nothing fades, so the part is 1 for all.
 */
export const decayModes = ['half_life', 'legacy', 'none'] as const;
export type DecayMode = (typeof decayModes)[number];

/**
 * How much each part counts. `relevance`, `importance` and `decay` make the score, normalised by their sum; `vector` and
 * `lexical` are fused, likewise. The fused value is about 1 for the best candidate; `speaker`, `length`, `role`, `recency`
 * and `session` add to it. `context`, `date`, `time` and `echo` are strengths: what neighbours, dates and times count, and
 * what a question loses that repeats the query, 1 as measured, 0 not at all.
 */
export interface RankingWeights {
  readonly relevance: number;
  readonly importance: number;
  readonly decay: number;
  readonly vector: number;
  readonly lexical: number;
  readonly speaker: number;
  readonly length: number;
  readonly role: number;
  readonly recency: number;
  readonly session: number;
  readonly context: number;
  readonly date: number;
  readonly time: number;
  readonly echo: number;
}

/** What a request says about its ranking; what it leaves open comes from the configuration. */
export interface RankingChoices {
  readonly weights: { readonly [Part in keyof RankingWeights]?: number | undefined };
  /** What each role gains, 0 to 1; undefined: as the chat shows. */
  readonly roleWeights: { readonly [Name in Role]?: number | undefined } | undefined;
  readonly decayMode: DecayMode;
  readonly halfLifeDays: number | undefined;
  /** Least final score of a hit, 0 to 1. */
  readonly scoreMin: number | undefined;
  /** Least confidence of a hit, 0 to 1. */
  readonly minConfidence: number | undefined;
  /** Least plain similarity of a hit, -1 to 1. */
  readonly similarityMin: number | undefined;
  /** 0 to 1: how much hits are to differ from one another. */
  readonly diversity: number;
}

/** Which messages may be hits. Undefined parts do not filter. */
export interface SearchFilter {
  readonly conversationIds: readonly string[] | undefined;
  readonly roles: readonly Role[] | undefined;
  /** Inclusive. */
  readonly createdAfter: Instant | undefined;
  /** Exclusive. */
  readonly createdBefore: Instant | undefined;
  /** Inclusive, as is the greatest. */
  readonly importanceMin: number | undefined;
  readonly importanceMax: number | undefined;
  /** What a message's metadata must contain. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  /** What else must hold for it. */
  readonly where: MetadataFilter | undefined;
}

/** Candidates from each side, unless a request says otherwise. */
export const defaultCandidateLimit = 60;

export interface SearchRequest {
  readonly tenantId: string;
  readonly query: string;
  /** The query as it is read, with what hits must have and must not. */
  readonly text: SearchText;
  /** As it was sent, of any length; undefined: the query is embedded. */
  readonly vector: Float32Array | undefined;
  readonly mode: SearchMode;
  readonly topK: number;
  /** Candidates taken from each side before ranking. */
  readonly candidateLimit: number;
  readonly filter: SearchFilter;
  readonly ranking: RankingChoices;
  /** Messages shown before and after each hit. */
  readonly neighbours: number;
  /** Hits are grouped by conversation: so many of each of the `topK` best; undefined: not grouped. */
  readonly groupSize: number | undefined;
  /** Hits that say the same are one. */
  readonly collapse: boolean;
  /** What the times of the query are named from: the moment of the search when left out. */
  readonly referenceTime: Date | undefined;
  /** Of the IANA database. */
  readonly timeZone: string;
  /** Undefined: where a reranker is configured. */
  readonly rerank: boolean | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor: string | undefined;
  /** Where its fields came from, for errors that name them. */
  readonly source: 'query' | 'body';
  readonly signal: AbortSignal;
}

/** An `invalid_request` about one field of a search. */
export function invalidField(source: 'query' | 'body', name: string, detail: string): AppError {
  return new AppError('invalid_request', `${name} ${detail}.`, {
    errors: [{ in: source, pointer: `/${name}`, detail }],
  });
}
