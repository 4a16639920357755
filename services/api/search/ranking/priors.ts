import type { Role } from '@memory-layer/shared/db/schema';
import type { DecayMode } from '../query/search-request.ts';
import type { Candidate } from './candidate.ts';

// Measured by bench/retrieval, as all constants here.
const halfLengthWords = 10;
const greatestLengthWords = 100;

/**
 * How much a message says at all, 0 to 1: half with ten different words, stop words left out. "Sounds good!" answers
 * little. From a hundred words on a message gains nothing more by being longer.
 */
export function lengthPrior({ wordCount }: Candidate): number {
  const words = Math.min(wordCount, greatestLengthWords);
  return words / (words + halfLengthWords);
}

export interface RoleOptions {
  readonly roleWeights: { readonly [Name in Role]?: number | undefined } | undefined;
  /** What the assistant said is asked for. */
  readonly asksForReply: boolean;
}

// So many times the words of users' messages: below the first the chat is one of people, above the second one with an assistant.
const likePeople = 1.5;
const likeAssistant = 2;

/**
 * What each candidate gains by its role, 0 to 1. Where replies of the assistant are much longer than what users say,
 * they match much that they do not answer: users' messages gain 1. Not when the query asks for a reply. Of weights that
 * are given, a role that has none gains 0.
 */
export function rolePrior(
  candidates: readonly Candidate[],
  { roleWeights, asksForReply }: RoleOptions,
): (candidate: Candidate) => number {
  if (roleWeights !== undefined) return ({ role }) => roleWeights[role] ?? 0;
  if (asksForReply) return () => 0;
  const ratio = meanWords(candidates, 'assistant') / Math.max(1, meanWords(candidates, 'user'));
  const strength = Math.min(1, Math.max(0, (ratio - likePeople) / (likeAssistant - likePeople)));
  return ({ role }) => (role === 'user' || role === 'system' ? strength : 0);
}

/** Of the candidates with the role; 0 without any. */
function meanWords(candidates: readonly Candidate[], role: Role): number {
  const counts = candidates.filter((candidate) => candidate.role === role).map(({ wordCount }) => wordCount);
  return counts.length === 0 ? 0 : counts.reduce((sum, count) => sum + count, 0) / counts.length;
}

export interface DecayOptions {
  readonly mode: DecayMode;
  /** Counts in the mode `half_life` alone. */
  readonly halfLifeDays: number;
}

const dayMs = 86_400_000;
const legacyDays = 7;

/** What is left of a message's freshness at `now`, 0 to 1. What lies in the future counts as now. */
export function decayOf(createdAt: Date, now: Date, { mode, halfLifeDays }: DecayOptions): number {
  const ageDays = Math.max(0, now.getTime() - createdAt.getTime()) / dayMs;
  if (mode === 'none') return 1;
  return mode === 'legacy' ? Math.exp(-ageDays / legacyDays) : 0.5 ** (ageDays / halfLifeDays);
}

const recencyHalfLifeMs = 7 * dayMs;

export interface RecencyOptions {
  /** One who chats asks. */
  readonly isFirstPerson: boolean;
  /** What the age of a message counts already, 0 to 1. */
  readonly decayOf: (candidate: Candidate) => number;
}

/**
 * How new each candidate is beside the newest, 0 to 1: it halves with each week. It counts when one who chats asks, who
 * goes on from what was said last; to one who asks about the chat, all times are alike. Of that, decay takes its part:
 * so of a chat that goes on decay decides, and of one that ended long ago recency.
 */
export function recencyOf(
  candidates: readonly Candidate[],
  { isFirstPerson, decayOf: decayed }: RecencyOptions,
): (candidate: Candidate) => number {
  if (!isFirstPerson) return () => 0;
  const times = candidates.filter(({ eligible }) => eligible).map(({ createdAt }) => createdAt.getTime());
  const newest = Math.max(...times);
  return (candidate) => {
    const age = newest - candidate.createdAt.getTime();
    return Math.max(0, Math.min(1, 0.5 ** (age / recencyHalfLifeMs)) - decayed(candidate));
  };
}

interface Scored {
  readonly candidate: Candidate;
  readonly relevance: number;
}

// A conversation that is about the question has as many good messages.
const countedMessages = 3;

/** The mean relevance of the best three candidates of each one's conversation; what is missing counts 0. */
export function sessionEvidence(scored: readonly Scored[]): (candidate: Candidate) => number {
  const eligible = scored.filter(({ candidate }) => candidate.eligible);
  const means = new Map(
    [...Map.groupBy(eligible, ({ candidate }) => candidate.conversationId)].map(([conversationId, own]) => {
      const best = own.map(({ relevance }) => Math.max(0, relevance)).toSorted((a, b) => b - a);
      return [conversationId, best.slice(0, countedMessages).reduce((sum, value) => sum + value, 0) / countedMessages];
    }),
  );
  return ({ conversationId }) => means.get(conversationId) ?? 0;
}
