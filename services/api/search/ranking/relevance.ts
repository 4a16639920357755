import type { Role } from '@memory-layer/shared/db/schema';
import { wordsOf } from '../query/parse-query.ts';
import type { QueryForm } from '../query/query-form.ts';
import type { RankingWeights, SearchMode } from '../query/search-request.ts';
import type { NamedTime } from '../query/time-words.ts';
import type { Candidate } from './candidate.ts';
import { confidenceOf } from './confidence.ts';
import { noNeighbourhood, vectorInContext, wordsInContext, type Neighbourhood } from './context.ts';
import { echoShare } from './echo.ts';
import { reachableWeight, shareOf, termScoresOf, totalWeight, type QueryTerms } from './lexical-score.ts';
import { timeGain } from './named-time.ts';
import { decayOf, lengthPrior, recencyOf, rolePrior, sessionEvidence, type DecayOptions } from './priors.ts';

export interface RelevanceOptions {
  readonly mode: SearchMode;
  readonly weights: RankingWeights;
  readonly terms: QueryTerms;
  readonly form: QueryForm;
  /** Share of the query's letters that the model knows, 0 to 1. */
  readonly readableShare: number;
  /** What each role gains; undefined: as the chat shows. */
  readonly roleWeights: { readonly [Name in Role]?: number | undefined } | undefined;
  readonly decay: DecayOptions;
  /** Decay is reckoned up to this moment. */
  readonly now: Date;
  /** What the query names. */
  readonly time: NamedTime | undefined;
  /** Ids of questions that repeat the query. */
  readonly echoes: ReadonlySet<string>;
}

/** What each side finds in a message. */
export interface Sides {
  readonly vector: number;
  readonly lexical: number;
}

/** What a message's relevance is made of; all but `context` and `time` 0 to 1. */
export interface Relevance {
  /** Cosine similarity to the centred query, 0 when negative. */
  readonly vector: number;
  /** BM25 as a share of what a message would have that has all words once. */
  readonly lexical: number;
  /** What the messages before and after add to the fused value, or take from it. */
  readonly context: number;
  /** 1 when the query names who said it. */
  readonly speaker: number;
  /** How much it says at all: see {@link lengthPrior}. */
  readonly length: number;
  /** What its role gains: see {@link rolePrior}. */
  readonly role: number;
  /** How new it is beside the other candidates, where that counts: see {@link recencyOf}. */
  readonly recency: number;
  /** How relevant its conversation is: see {@link sessionEvidence}. */
  readonly session: number;
  /** What it gains by when it was said: see {@link timeGain}. */
  readonly time: number;
  /** How likely it is that the message has to do with the query: see {@link confidenceOf}. */
  readonly confidence: number;
  /** What it is judged by: as `vector` and `lexical`, but read with the messages beside it, and of all words of the query. */
  readonly nearby: Sides;
  /** It is a question that repeats the query: only a share of its relevance counts. */
  readonly echo: boolean;
  readonly relevance: number;
}

/**
 * The relevance of each candidate by id, about 1 for a good one, before it is compared with the best: docs/ranking.md
 * has the formula.
 */
export function relevanceOf(
  candidates: readonly Candidate[],
  neighbourhood: Neighbourhood,
  options: RelevanceOptions,
): Map<string, Relevance> {
  const { weights, form, echoes } = options;
  const { sides, saidShare } = sidesOf(candidates, neighbourhood, options);
  const best = bestOf(candidates, sides);
  const fuse = fusion(best, options);
  // Few speak, and often.
  const speakers = new Map(
    [...new Set(candidates.map((candidate) => candidate.speaker))].map((name) => [name, isNamed(name, form.words)]),
  );
  const roleOf = rolePrior(candidates, { roleWeights: options.roleWeights, asksForReply: form.asksForReply });
  const { decay, now } = options;
  const ageOf = recencyOf(candidates, {
    isFirstPerson: form.isFirstPerson,
    decayOf: ({ createdAt }) => (weights.decay > 0 ? decayOf(createdAt, now, decay) : 0),
  });
  const gainOf = timeGain(candidates, options.time, weights.time);
  // To a model that does not know a script all its texts are near.
  const judged = options.mode === 'hybrid' && options.readableShare < 0.5 ? 'lexical' : options.mode;

  const alone = candidates.map((candidate) => {
    const { own, near } = sides.get(candidate.id) ?? nothingFound;
    const speaker = speakers.get(candidate.speaker) === true ? 1 : 0;
    const nearby = { vector: near.vector, lexical: saidShare * near.lexical };
    const confidence = confidenceOf(judged, {
      ...nearby,
      speaker,
      bestVector: best.vector,
      bestLexical: saidShare * best.lexical,
    });
    const parts = {
      ...own,
      context: fuse(near) - fuse(own),
      speaker,
      nearby,
      confidence,
      length: lengthPrior(candidate),
      role: roleOf(candidate),
      recency: ageOf(candidate),
      time: gainOf(candidate),
      echo: echoes.has(candidate.id),
    };
    const priors = (['speaker', 'length', 'role', 'recency'] as const).map((name) => weights[name] * parts[name]);
    const whole = priors.reduce((sum, part) => sum + part, fuse(near) + parts.time);
    return { candidate, parts, relevance: parts.echo ? whole * echoShare(weights.echo) : whole };
  });
  const sessionOf = sessionEvidence(alone);
  return new Map(
    alone.map(({ candidate, parts, relevance }) => {
      const session = sessionOf(candidate);
      return [candidate.id, { ...parts, session, relevance: relevance + weights.session * session }] as const;
    }),
  );
}

interface Found {
  /** By itself. */
  readonly own: Sides;
  /** Read with the messages before and after. */
  readonly near: Sides;
}

const nothingFound: Found = { own: { vector: 0, lexical: 0 }, near: { vector: 0, lexical: 0 } };

type FoundSides = ReadonlyMap<string, Found>;

/** What each side finds in each candidate; words that no candidate has are left out. */
function sidesOf(
  candidates: readonly Candidate[],
  neighbourhood: Neighbourhood,
  { terms, weights }: RelevanceOptions,
): { readonly sides: FoundSides; readonly saidShare: number } {
  const byId = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const scores = new Map(candidates.map((candidate) => [candidate.id, termScoresOf(candidate, terms, weights.date)]));
  const reachable = reachableWeight(scores.values(), terms, weights.date);
  const scoresOf = (id: string) => scores.get(id) ?? [];
  const similarityOf = (id: string) => byId.get(id)?.vectorScore;
  const sides = new Map(
    candidates.map(({ id }) => {
      const own = { vector: Math.max(0, similarityOf(id) ?? 0), lexical: shareOf(scoresOf(id), reachable) };
      const near = {
        vector: Math.max(0, vectorInContext(id, similarityOf, neighbourhood, weights.context) ?? 0),
        lexical: shareOf(wordsInContext(id, scoresOf, neighbourhood, weights.context), reachable),
      };
      return [id, { own, near }] as const;
    }),
  );
  const all = totalWeight(terms, weights.date);
  return { sides, saidShare: all === 0 ? 0 : reachable / all };
}

/** The greatest that each side found in what may be a hit. */
function bestOf(candidates: readonly Candidate[], sides: FoundSides): Sides {
  const found = candidates.filter(({ eligible }) => eligible).map(({ id }) => (sides.get(id) ?? nothingFound).near);
  return {
    vector: Math.max(0, ...found.map(({ vector }) => vector)),
    lexical: Math.max(0, ...found.map(({ lexical }) => lexical)),
  };
}

// 1 would make the best of each side equally good, 0 would take each side's values as they are.
const levelling = 0.7;

/**
 * Fuses the sides: each value is divided by a power of the greatest that its side found in what may be a hit. So a long
 * query, of whose words no message has many, and a query that no vector is near to, do not leave one side without effect.
 */
function fusion(best: Sides, { mode, weights, readableShare }: RelevanceOptions): (found: Sides) => number {
  // Vectors of a script that the model does not know tell little. They are all there is when no word is found.
  const trust = mode === 'hybrid' && best.lexical > 0 && weights.lexical > 0 ? readableShare : 1;
  const weight = sideWeights(mode, weights);
  const all = weight.vector * trust + weight.lexical;
  const byVector = ((weight.vector * trust) / all) * levelOf(best.vector);
  const byWords = (weight.lexical / all) * levelOf(best.lexical);
  return ({ vector, lexical }) => byVector * vector + byWords * lexical;
}

function levelOf(best: number): number {
  return best > 0 ? 1 / best ** levelling : 0;
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
