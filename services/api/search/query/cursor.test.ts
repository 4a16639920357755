import { instantOf } from '@memory-layer/shared/time/instant';
import { describe, expect, test } from 'vitest';
import {
  cursorLength,
  decodeSearchCursor,
  encodeSearchCursor,
  shownKey,
  shownUpTo,
  type SearchPosition,
} from './cursor.ts';
import { parsePlainText } from './parse-query.ts';
import type { SearchRequest } from './search-request.ts';

const request: SearchRequest = {
  tenantId: 'acme',
  query: 'garden',
  text: parsePlainText('garden'),
  vector: undefined,
  mode: 'hybrid',
  topK: 5,
  candidateLimit: 200,
  filter: {
    conversationIds: ['c'],
    roles: undefined,
    createdAfter: instantOf(new Date('2026-01-01T00:00:00Z')),
    createdBefore: undefined,
    importanceMin: undefined,
    importanceMax: undefined,
    metadata: { a: 1, b: { c: 2, d: 3 } },
    where: { kind: 'eq', path: ['x'], value: 'y' },
  },
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
const ids = ['0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f', '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e20'];
const position: SearchPosition = {
  now: new Date(1_700_000_000_123),
  throughId: '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e21',
  neighbourhoods: 25,
  shown: new Set(ids.map(shownKey)),
};
const cursor = encodeSearchCursor(position, request);

describe('a cursor', () => {
  test('comes back as it was, and is fit for a query string', () => {
    expect(decodeSearchCursor(cursor, request)).toEqual(position);
    expect(cursor).toMatch(/^[\w-]+$/);
    const first = { ...position, shown: new Set<string>() };
    expect(decodeSearchCursor(encodeSearchCursor(first, request), request)).toEqual(first);
  });

  test('is as long as it is said to be', () => {
    for (const count of [0, 1, 2, 3, 1000]) {
      const shown = new Set(Array.from({ length: count }, (_, n) => n.toString(16).padStart(12, '0')));
      expect(encodeSearchCursor({ ...position, shown }, request)).toHaveLength(cursorLength(count));
    }
  });

  test('goes on with another top_k, other neighbours, by the other method, keys in another order', () => {
    const same: SearchRequest = {
      ...request,
      topK: 50,
      neighbours: 3,
      cursor,
      source: 'query',
      filter: { ...request.filter, metadata: { b: { d: 3, c: 2 }, a: 1 } },
    };
    expect(decodeSearchCursor(cursor, same)).toEqual(position);
  });
});

const { filter, ranking } = request;
describe('it is none', () => {
  test.each<[string, Partial<SearchRequest>]>([
    ['tenant', { tenantId: 'globex' }],
    ['query', { text: parsePlainText('gardens') }],
    ['clause', { text: { ...request.text, required: ['red car'] } }],
    ['mode', { mode: 'vector' }],
    ['candidate_limit', { candidateLimit: 201 }],
    ['conversation', { filter: { ...filter, conversationIds: ['c', 'd'] } }],
    ['date', { filter: { ...filter, createdAfter: instantOf(new Date('2026-01-01T00:00:00.001Z')) } }],
    ['metadata', { filter: { ...filter, metadata: { a: 1 } } }],
    ['filter', { filter: { ...filter, where: { kind: 'ne', path: ['x'], value: 'y' } } }],
    ['weight', { ranking: { ...ranking, weights: { decay: 0 } } }],
    ['decay', { ranking: { ...ranking, decayMode: 'none' } }],
    ['threshold', { ranking: { ...ranking, similarityMin: 0 } }],
    ['diversity', { ranking: { ...ranking, diversity: 0.1 } }],
    ['order', { rerank: false }],
  ])('of a search with another %s', (_, other) => {
    expect(decodeSearchCursor(cursor, { ...request, ...other })).toBeUndefined();
  });

  test('with any character changed, left out or added', () => {
    for (let at = 0; at < cursor.length; at += 1) {
      const other = cursor[at] === 'A' ? 'B' : 'A';
      expect(decodeSearchCursor(cursor.slice(0, at) + other + cursor.slice(at + 1), request)).toBeUndefined();
      expect(decodeSearchCursor(cursor.slice(0, at) + cursor.slice(at + 1), request)).toBeUndefined();
    }
    for (const added of ['A', '=', ' ', '.', 'é', '\0']) {
      expect(decodeSearchCursor(cursor + added, request)).toBeUndefined();
    }
  });

  test.each(['', 'x', 'bnVsbA', '!', '=', 'A'.repeat(52), '_'.repeat(8000)])('%.20j', (text) => {
    expect(decodeSearchCursor(text, request)).toBeUndefined();
  });
});

test('its length says how many messages it has shown', () => {
  for (const shown of [0, 1, 2, 5, 100, 1000]) expect(shownUpTo(cursorLength(shown))).toBe(shown);
});
