import type { Candidate } from './candidate.ts';
import type { RankedCandidate } from './rank.ts';

/** The first of those that say the same, with the others. */
export interface CollapsedCandidate extends RankedCandidate {
  /** Others among the candidates that say the same and may be hits, best first. */
  readonly duplicateIds: readonly string[];
}

export interface Collapsed {
  /** Best first, those of earlier pages among them; none of the others says the same as those. */
  readonly ranked: readonly CollapsedCandidate[];
  /** What says the same as a hit of an earlier page, and was not known to when that was shown. */
  readonly repeatIds: readonly string[];
}

// A model reads a full stop and an exclamation mark otherwise, but not by more.
const mostApart = 0.1;

/** What says the same has these in common: same words, so same scores. What differs in them need not be read. */
function signatureOf({ speaker, wordCount, termScores }: Candidate): string {
  return JSON.stringify([speaker, wordCount, termScores]);
}

/**
 * The candidates whose texts have to be read to know which of the best say the same.
 *
 * @param ranked best first
 * @param groups how many of the best different ones are wanted
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

/** What has no vector yet may say anything. */
function areNear({ vectorScore: one }: Candidate, { vectorScore: other }: Candidate): boolean {
  return one === undefined || other === undefined || Math.abs(one - other) <= mostApart;
}

/**
 * Of those that say the same only the best is left, with the others. Hits of earlier pages stay, and what says the same
 * as one of them is left out.
 *
 * @param keyOf the same for what says the same; undefined when that is not known: then it stands alone
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

/** What a search has found to show. */
export interface FoundHits extends Collapsed {
  /** As many candidates as were looked for: more may match. */
  readonly isFull: boolean;
}

/** Each stands for itself. */
export function uncollapsed(ranked: readonly RankedCandidate[]): Collapsed {
  return { ranked: ranked.map((candidate) => ({ ...candidate, duplicateIds: [] })), repeatIds: [] };
}
