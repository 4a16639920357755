import type { Candidate } from './candidate.ts';
import type { RankedCandidate } from './rank.ts';

/** The best of several candidates that say the same, with the others. */
export interface CollapsedCandidate extends RankedCandidate {
  /** Other candidates that say the same and may be hits, best first. */
  readonly duplicateIds: readonly string[];
}

export interface Collapsed {
  /** Best first, with the hits of earlier pages. No other candidate says the same as one of those. */
  readonly ranked: readonly CollapsedCandidate[];
  /** Candidates that say the same as a hit of an earlier page, but were not found when it was shown. */
  readonly repeatIds: readonly string[];
}

// A final punctuation mark changes the vector of a text, but its cosine by no more than this.
const maxVectorDistance = 0.1;

/** Texts with the same words have the same signature. A text whose signature is unique need not be read. */
function signatureOf({ speaker, wordCount, termScores }: Candidate): string {
  return JSON.stringify([speaker, wordCount, termScores]);
}

/**
 * The candidates whose texts must be read to know which of the best say the same.
 *
 * @param ranked best first
 * @param groups number of different texts that are wanted
 */
export function alikeCandidates(
  ranked: readonly RankedCandidate[],
  byId: ReadonlyMap<string, Candidate>,
  groups: number,
): string[] {
  const bySignature = new Map<string, Group[]>();
  const inOrder: Group[] = [];
  for (const { id } of ranked) {
    const candidate = byId.get(id);
    if (candidate === undefined) continue;
    const signature = signatureOf(candidate);
    const alike = bySignature.get(signature) ?? [];
    const group = alike.find(({ best }) => areNear(best, candidate));
    if (group !== undefined) group.ids.push(id);
    else {
      const own = { best: candidate, ids: [id] };
      bySignature.set(signature, [...alike, own]);
      inOrder.push(own);
    }
  }
  return inOrder.slice(0, groups).flatMap(({ ids }) => (ids.length > 1 ? ids : []));
}

interface Group {
  readonly best: Candidate;
  readonly ids: string[];
}

/** A candidate without a vector may be near any other. */
function areNear({ vectorScore: one }: Candidate, { vectorScore: other }: Candidate): boolean {
  return one === undefined || other === undefined || Math.abs(one - other) <= maxVectorDistance;
}

/**
 * Keeps the best of the candidates that say the same. Hits of earlier pages stay, and candidates that say the same as
 * one of them are left out.
 *
 * @param keyOf equal for candidates that say the same; undefined when unknown: the candidate is then kept
 */
export function collapse(
  ranked: readonly RankedCandidate[],
  keyOf: (id: string) => string | undefined,
  isShown: (id: string) => boolean,
): Collapsed {
  const shownKeys = new Set(ranked.flatMap(({ id }) => (isShown(id) ? (keyOf(id) ?? []) : [])));
  const byKey = new Map<string, string[]>();
  const left: CollapsedCandidate[] = [];
  const repeatIds: string[] = [];
  for (const candidate of ranked) {
    const { id } = candidate;
    if (isShown(id)) {
      left.push({ ...candidate, duplicateIds: [] });
      continue;
    }
    const key = keyOf(id);
    const known = key === undefined ? undefined : byKey.get(key);
    if (key !== undefined && shownKeys.has(key)) repeatIds.push(id);
    else if (known !== undefined) known.push(id);
    else {
      const duplicateIds: string[] = [];
      if (key !== undefined) byKey.set(key, duplicateIds);
      left.push({ ...candidate, duplicateIds });
    }
  }
  return { ranked: left, repeatIds };
}

/** The hits that a search has found. */
export interface FoundHits extends Collapsed {
  /** Whether the limit of candidates was reached, so that more messages may match. */
  readonly isFull: boolean;
}

/** Keeps every candidate. */
export function uncollapsed(ranked: readonly RankedCandidate[]): Collapsed {
  return { ranked: ranked.map((candidate) => ({ ...candidate, duplicateIds: [] })), repeatIds: [] };
}
