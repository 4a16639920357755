import { describe, expect, test } from 'vitest';
import { requestLimits } from '../cost/request-cost.ts';
import { noFilter } from './plan/testing/no-filter.ts';
import { cursorLength } from './query/cursor.ts';
import type { MetadataFilter } from './query/metadata-filter.ts';
import { parseOperators, parsePlainText } from './query/parse-query.ts';
import type { SearchRequest } from './query/search-request.ts';
import { costOf } from './search-cost.ts';

const ordinary: SearchRequest = {
  tenantId: 'acme',
  query: 'Where does my sister live?',
  text: parsePlainText('Where does my sister live?'),
  vector: undefined,
  mode: 'hybrid',
  topK: 5,
  candidateLimit: 60,
  filter: { ...noFilter },
  ranking: {
    weights: {},
    roleWeights: undefined,
    decayMode: 'half_life',
    halfLifeDays: undefined,
    scoreMin: undefined,
    minConfidence: undefined,
    similarityMin: undefined,
    diversity: 0,
  },
  neighbours: 0,
  groupSize: undefined,
  collapse: true,
  referenceTime: undefined,
  timeZone: 'UTC',
  rerank: undefined,
  cursor: undefined,
  source: 'body',
  signal: new AbortController().signal,
};
const words = (count: number) => Array.from({ length: count }, (_, n) => `word${n}`).join(' ');
const condition: MetadataFilter = { kind: 'eq', path: ['a'], value: 1 };
const conditions = (count: number): MetadataFilter => ({
  kind: 'and',
  parts: Array.from({ length: count }, () => ({ kind: 'not', part: condition }) as const),
});

/** As costly as each field by itself allows. */
const costliest: Partial<SearchRequest> = {
  text: parseOperators(
    `${words(100)} ${Array.from({ length: requestLimits.queryClauses }, (_, n) => `-no${n}`).join(' ')}`,
  ),
  topK: 100,
  candidateLimit: 1000,
  neighbours: 10,
  filter: { ...noFilter, where: conditions(200) },
  ranking: { ...ordinary.ranking, diversity: 1 },
  cursor: 'x'.repeat(cursorLength(999)),
};

describe('the cost of a search', () => {
  test('is one unit for an ordinary one', () => {
    expect(costOf(ordinary)).toEqual({ units: 1 });
  });

  test.each<[string, Partial<SearchRequest>]>([
    ['words', { text: parsePlainText(words(32)) }],
    ['clauses', { text: parseOperators('garden -one -two "three four" "five" -six -seven') }],
    ['candidates', { candidateLimit: 1000 }],
    ['hits', { topK: 100 }],
    ['grouped hits', { groupSize: 10 }],
    ['neighbours', { neighbours: 10, topK: 100 }],
    ['conditions', { filter: { ...noFilter, where: conditions(50) } }],
    ['diversity', { ranking: { ...ordinary.ranking, diversity: 0.5 } }],
    ['a later page', { cursor: 'x'.repeat(cursorLength(500)) }],
  ])('grows with %s', (_, part) => {
    expect(costOf({ ...ordinary, ...part }).units).toBeGreaterThan(1);
    expect(costOf({ ...ordinary, ...part }).units).toBeLessThanOrEqual(3);
  });

  test('is known and bounded for the costliest that is allowed', () => {
    const { units } = costOf({ ...ordinary, ...costliest });
    expect(units).toBeGreaterThan(8);
    expect(units).toBeLessThanOrEqual(requestLimits.searchUnits);
  });

  test('does not grow with words that are not looked up', () => {
    expect(costOf({ ...ordinary, text: parsePlainText(words(1000)) })).toEqual(
      costOf({ ...ordinary, text: parsePlainText(words(32)) }),
    );
  });

  test('beyond its bound is refused', () => {
    const filter = { ...noFilter, where: conditions(1200) };
    const refused = { code: 'invalid_request', errors: [{ in: 'body', pointer: '', detail: expect.any(String) }] };
    expect(() => costOf({ ...ordinary, filter })).toThrow(expect.objectContaining(refused));
  });
});
