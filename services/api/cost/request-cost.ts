const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/**
 * What one request may cause at most, whatever is stored. A request that asks for more is refused with 422, which names
 * the field, or its answer ends early and says so.
 */
export const requestLimits = {
  /** Different words of a query that are looked up and scored. */
  queryTerms: 32,
  /** Words and phrases that a query requires, excludes or favours. */
  queryClauses: 32,
  /** Words of all that a query requires or excludes, together: a phrase has many. */
  queryClauseWords: 64,
  /** Comparisons of a filter over metadata that are made with each message that is read for it. */
  unindexedConditions: 4,
  /** Messages that such a filter is compared with: the newest of a tenant that has more. */
  comparedMessages: 250_000,
  /** JSON text of one message's metadata, in UTF-8 bytes, unless configured otherwise. */
  metadataBytes: 64 * kibibyte,
  /** Members of a message, or of another body: several times as many as any has that is known. */
  bodyMembers: 256,
  /** Parts of a body, or of a message in it, beside those of its metadata, which are at most one a byte. */
  bodyParts: 4096,
  /** Cost units of one search: more than the costliest that its fields allow, each by itself. */
  searchUnits: 12,
  /** One answer, in bytes. */
  answerBytes: 16 * mebibyte,
} as const;

/** What a request will cost, known before its work begins. */
export interface RequestCost {
  /** 1 is an ordinary search: `hybrid`, a few words, five hits. In quarters; this much it takes of its tenant's share. */
  readonly units: number;
}

/** What decides how much work a search is. */
export interface SearchWork {
  /** Words that are scored. */
  readonly terms: number;
  /** Words and phrases that are required, excluded or favoured. */
  readonly clauses: number;
  /** Conditions of the filter. */
  readonly conditions: number;
  /** Taken from each side before ranking. */
  readonly candidates: number;
  readonly topK: number;
  /** Shown on each side of a hit. */
  readonly neighbours: number;
  /** Whether hits are compared with one another. */
  readonly diverse: boolean;
}

const ordinarySearch = { terms: 8, candidates: 60, topK: 5 };

/**
 * As measured on 4 000 messages, one search at a time: a thousand candidates or 32 words cost as much again as an ordinary
 * search, so do a hundred hits with ten neighbours on each side; all of that together costs five times as much.
 */
export function costOfSearch(work: SearchWork): RequestCost {
  const { terms, clauses, conditions, candidates, topK, neighbours, diverse } = work;
  const more =
    Math.max(0, terms - ordinarySearch.terms) / 24 +
    clauses / 12 +
    conditions / 100 +
    Math.max(0, candidates - ordinarySearch.candidates) / 1000 +
    Math.max(0, topK - ordinarySearch.topK) / 250 +
    (topK * neighbours) / 1000 +
    (diverse ? 0.5 : 0);
  return { units: inQuarters(1 + more) };
}

/** A page of 50 messages costs a quarter of a search; a longer one can be a larger answer. */
export function costOfListing({ limit }: { readonly limit: number }): RequestCost {
  return { units: inQuarters(limit / 200) };
}

/** A row by its id: a message, a retention run. */
export const costOfRead: RequestCost = { units: 0.25 };

/** A message with its vectors. */
export const costOfDelete: RequestCost = { units: 0.5 };

/** Up to the ids that a request names, or batches of failed messages for a third of the request's time. */
export const costOfRetry: RequestCost = { units: 1 };

/** The row that asks for a run; not the run, which a retention worker carries out. */
export const costOfRetentionRun: RequestCost = { units: 0.25 };

/** The first read of a stream of events; not those that follow, which are one for all streams. */
export const costOfSubscription: RequestCost = { units: 0.25 };

function inQuarters(units: number): number {
  return Math.ceil(units * 4) / 4;
}
