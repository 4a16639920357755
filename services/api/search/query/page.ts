import { decodeSearchCursor, encodeSearchCursor, shownKey, type SearchPosition } from './cursor.ts';
import { invalidField, type SearchRequest } from './search-request.ts';

/** Pages of one search show so many hits at most; after that a narrower filter is better than another page. */
export const maxPagedHits = 1000;

// Of fewer, what would be among a short page's hits can be missed; more cost time, and find nothing for it.
const minNeighbourhoods = 25;

/** One page of a search: where it begins, and how much fits. */
export interface SearchPage {
  readonly now: Date;
  /** Undefined on the first page, which takes what is there. */
  readonly throughId: string | undefined;
  readonly shown: ReadonlySet<string>;
  /** Hits it may show. */
  readonly size: number;
  /** How many candidates are ranked together with what stands around them: as many on every page. */
  readonly neighbourhoods: number;
  /** Candidates it takes from each side, enough to tell whether another page follows. */
  readonly candidates: number;
}

/** @throws AppError `invalid_request` when the cursor is not one of this search. */
export function openPage(request: SearchRequest, now: Date): SearchPage {
  const position = readCursor(request);
  const shown = position?.shown ?? new Set();
  const size = Math.min(request.topK * (request.groupSize ?? 1), maxPagedHits - shown.size);
  return {
    now: position?.now ?? now,
    throughId: position?.throughId,
    shown,
    size,
    // What is far off does not become a hit by what stands around it.
    neighbourhoods: position?.neighbourhoods ?? Math.max(minNeighbourhoods, size),
    candidates: Math.max(request.candidateLimit, leastCandidates({ shown, size })),
  };
}

/** Candidates that a page needs: what was shown, what it shows, and one more to tell whether another page follows. */
export function leastCandidates({ shown, size }: Pick<SearchPage, 'shown' | 'size'>): number {
  return shown.size + size + 1;
}

/** Whether an earlier page has the hit, or a hit that says the same and stands for it. */
export function isShown(id: string, { shown }: SearchPage): boolean {
  return shown.size > 0 && shown.has(shownKey(id));
}

/** The cursor of the page after this one, which showed these, or what says the same. @param newestId of the tenant, now. */
export function closePage(
  request: SearchRequest,
  page: SearchPage,
  shownIds: readonly string[],
  newestId: string | undefined,
): string | undefined {
  const throughId = page.throughId ?? newestId;
  const shown = new Set([...page.shown, ...shownIds.map(shownKey)]);
  if (throughId === undefined || shown.size >= maxPagedHits) return undefined;
  return encodeSearchCursor({ now: page.now, throughId, neighbourhoods: page.neighbourhoods, shown }, request);
}

function readCursor(request: SearchRequest): SearchPosition | undefined {
  if (request.cursor === undefined) return undefined;
  const position = decodeSearchCursor(request.cursor, request);
  if (position === undefined || position.shown.size >= maxPagedHits) {
    throw invalidField(
      request.source,
      'cursor',
      'is not a cursor of this search: send all but top_k and neighbours as before',
    );
  }
  return position;
}
