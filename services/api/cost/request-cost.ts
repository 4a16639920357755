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
  /** One answer, in bytes. */
  answerBytes: 16 * mebibyte,
} as const;
