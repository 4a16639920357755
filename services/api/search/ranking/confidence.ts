import type { SearchMode } from '../query/search-request.ts';

/** What a search and one of its candidates are judged by; all values 0 to 1. */
export interface ConfidenceParts {
  /** The message read with those beside it, as each side sees it. Words count as a share of all words of the query. */
  readonly vector: number;
  readonly lexical: number;
  /** The query names who said it. */
  readonly speaker: number;
  /** The greatest that the search found. */
  readonly bestVector: number;
  readonly bestLexical: number;
}

type Coefficients = Readonly<Record<keyof ConfidenceParts | 'constant', number>>;

// Fitted by `bench:retrieval --foreign`, with the bundled model: docs/evaluation.md says on what, and how well it holds.
const coefficients: Readonly<Record<SearchMode, Coefficients>> = {
  hybrid: { vector: 5.6, lexical: 4.3, speaker: 4.6, bestVector: 3.8, bestLexical: 5.4, constant: -7.4 },
  lexical: { vector: 0, lexical: 6.5, speaker: 4.7, bestVector: 0, bestLexical: 4.6, constant: -4.5 },
  vector: { vector: 6, lexical: 0, speaker: 3.8, bestVector: 5.4, bestLexical: 0, constant: -5.3 },
};

const names = ['vector', 'lexical', 'speaker', 'bestVector', 'bestLexical'] as const;

/**
 * How likely it is that a hit has to do with the query, 0 to 1, by logistic regression: what answers a question against
 * the hits of questions about other chats. Unlike the score it says something by itself.
 */
export function confidenceOf(mode: SearchMode, parts: ConfidenceParts): number {
  const weights = coefficients[mode];
  const logit = names.reduce((sum, name) => sum + weights[name] * parts[name], weights.constant);
  return 1 / (1 + Math.exp(-logit));
}
