import { wordsOf } from '../query/parse-query.ts';
import type { RankingWeights, SearchMode } from '../query/search-request.ts';
import type { Candidate } from './candidate.ts';
import type { NamedTime } from '../query/time-words.ts';
import { noNeighbourhood, vectorInContext, wordsInContext, type Neighbourhood } from './context.ts';
import { echoShare } from './echo.ts';
import { reachableWeight, shareOf, termScoresOf, type QueryTerms } from './lexical-score.ts';
import { timeGain } from './named-time.ts';

export interface RelevanceOptions {
  readonly mode: SearchMode;
  readonly weights: RankingWeights;
  readonly terms: QueryTerms;
  /** The words of the query as they were written, in lower case, to tell whether somebody is named. */
  readonly queryWords: ReadonlySet<string>;
  /** What the query names. */
  readonly time: NamedTime | undefined;
  /** Ids of questions that repeat the query. */
  readonly echoes: ReadonlySet<string>;
}

/** What a message's relevance is made of; all but `context` and `time` 0 to 1. */
export interface Relevance {
  /** Cosine similarity to the centred query, 0 when negative. */
  readonly vector: number;
  /** BM25 as a share of what a message would have that has all words once. */
  readonly lexical: number;
  /** What the messages before and after add to the relevance, or take from it. */
  readonly context: number;
  /** 1 when the query names who said it. */
  readonly speaker: number;
  /** How much it says at all: half of what a message can have when it has ten different words. */
  readonly substance: number;
  /** What it gains by when it was said: see {@link timeGain}. */
  readonly time: number;
  /** It is a question that repeats the query: only a share of its relevance counts. */
  readonly echo: boolean;
  readonly relevance: number;
}

const halfSubstanceWords = 10;

/**
 * The relevance of each candidate, 0 to 1, by id, before it is compared with the best: docs/ranking.md has the formula.
 * Its parts are not scaled by what else was found; only words that no candidate has are left out.
 */
export function relevanceOf(
  candidates: readonly Candidate[],
  neighbourhood: Neighbourhood,
  { mode, weights, terms, queryWords, time: named, echoes }: RelevanceOptions,
): Map<string, Relevance> {
  const sides = sideWeights(mode, weights);
  const total = sides.vector + sides.lexical + weights.speaker + weights.substance;

  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const scores = new Map(candidates.map((candidate) => [candidate.id, termScoresOf(candidate, terms, weights.date)]));
  const reachable = reachableWeight(scores.values(), terms, weights.date);
  const scoresOf = (id: string) => scores.get(id) ?? [];
  const similarityOf = (id: string) => byId.get(id)?.vectorScore;
  // Few speak, and often.
  const speakers = new Map(
    [...new Set(candidates.map((candidate) => candidate.speaker))].map((name) => [name, isNamed(name, queryWords)]),
  );

  const gainOf = timeGain(candidates, named, weights.time);

  return new Map(
    candidates.map((candidate) => {
      const { id } = candidate;
      const vector = Math.max(0, similarityOf(id) ?? 0);
      const lexical = shareOf(scoresOf(id), reachable);
      const near = {
        vector: Math.max(0, vectorInContext(id, similarityOf, neighbourhood, weights.context) ?? 0),
        lexical: shareOf(wordsInContext(id, scoresOf, neighbourhood, weights.context), reachable),
      };
      const context = (sides.vector * (near.vector - vector) + sides.lexical * (near.lexical - lexical)) / total;
      const speaker = speakers.get(candidate.speaker) === true ? 1 : 0;
      const substance = candidate.wordCount / (candidate.wordCount + halfSubstanceWords);
      const own = sides.vector * vector + sides.lexical * lexical;
      const time = gainOf(candidate);
      const echo = echoes.has(id);
      const whole = (own + weights.speaker * speaker + weights.substance * substance) / total + context + time;
      const relevance = echo ? whole * echoShare(weights.echo) : whole;
      return [id, { vector, lexical, context, speaker, substance, time, echo, relevance }] as const;
    }),
  );
}

/** A side that is alone counts though it weighs nothing: of the two at least one does. */
function sideWeights(mode: SearchMode, { vector, lexical }: RankingWeights): { vector: number; lexical: number } {
  if (mode === 'vector') return { vector: vector || lexical, lexical: 0 };
  if (mode === 'lexical') return { vector: 0, lexical: lexical || vector };
  return { vector, lexical };
}

/** How promising each candidate is by itself, to choose those whose neighbours are read. By id. */
export function ownRelevance(candidates: readonly Candidate[], options: RelevanceOptions): Map<string, number> {
  const all = relevanceOf(candidates, noNeighbourhood, options);
  return new Map([...all].map(([id, { relevance }]) => [id, relevance]));
}

/** Whether one of the words is of the speaker's name: by a first name alone people are asked about, too. */
export function isNamed(speaker: string | undefined, words: ReadonlySet<string>): boolean {
  return speaker !== undefined && wordsOf(speaker).some((word) => word.length > 1 && words.has(word));
}
