import { createRandom, shuffled } from '../load/random.ts';
import { createChatTexts, topics } from '../baseline-comparison/search/chat-texts.ts';

/** Body of a search but for its tenant. */
type SearchBody = Readonly<Record<string, unknown>>;

/** A kind of search that a caller may send. */
export interface Shape {
  readonly name: string;
  /** The n-th search of the kind: another one each time, so that nothing is remembered. */
  readonly body: (n: number) => SearchBody;
  /** Pages walked through before the one that is measured. */
  readonly pagesBefore?: number;
}

/** Words of the tenant, the most frequent ones, and some that few messages have. */
export interface Vocabulary {
  readonly common: readonly string[];
  readonly rare: readonly string[];
}

const texts = createChatTexts();
const question = (n: number): string => texts.question(n, n % topics);
const everything = { top_k: 100, candidate_limit: 1000, neighbours: 10 } as const;
const list = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, n) => item(n));
const some = (words: readonly string[], count: number, n: number): string[] =>
  shuffled(words, createRandom(n)).slice(0, count);
const marked = (mark: string, words: readonly string[]): string => words.map((word) => `${mark}${word}`).join(' ');

/** The baseline: what most searches are like. */
export const plain: Shape = { name: 'plain', body: (n) => ({ query: question(n), top_k: 10 }) };

export function shapesOf(vocabulary: Vocabulary): Shape[] {
  return [
    ...wordShapes(vocabulary),
    ...clauseShapes(vocabulary),
    ...sizeShapes(),
    ...columnShapes(vocabulary),
    ...equalityShapes(),
    ...rangeShapes(vocabulary),
  ];
}

type Kinds = Readonly<Record<string, (n: number) => SearchBody>>;
const toShapes = (kinds: Kinds): Shape[] => Object.entries(kinds).map(([name, body]) => ({ name, body }));

function wordShapes({ common, rare }: Vocabulary): Shape[] {
  const frequent = common.slice(0, 40);
  return toShapes({
    '32 common words': (n) => ({ query: some(frequent, 32, n).join(' ') }),
    '32 common words, lexical, limit 1000': (n) => ({
      query: some(frequent, 32, n).join(' '),
      mode: 'lexical',
      ...everything,
    }),
    '1 000 different words': (n) => ({
      query: some([...common, ...rare], 1000, n)
        .join(' ')
        .slice(0, 9999),
    }),
    '1 000 unknown words': (n) => ({ query: list(1000, (index) => `q${n}x${index}`).join(' ') }),
  });
}

function clauseShapes({ common, rare }: Vocabulary): Shape[] {
  const stopWords = 'me my myself we our ours you your he him his she her it its they them what which who'.split(' ');
  const phrases = (count: number, n: number, length = 2): string[] =>
    list(count, (index) => `"${some(common.slice(0, 20), length, n * 100 + index).join(' ')}"`);
  const repeated = (count: number, n: number): string => list(count, () => common[n % 5]).join(' ');
  return toShapes({
    '20 stop words excluded': (n) => ({ query: `${rare[n]} ${marked('-', stopWords)}` }),
    '+"to be or not to be"': () => ({ query: '+"to be or not to be"' }),
    'one word, 31 common excluded': (n) => ({ query: `${common[n % 20]} ${marked('-', some(common, 31, n))}` }),
    '32 common words, 31 excluded': () => ({
      query: `${common.slice(28, 60).join(' ')} ${marked('-', common.slice(0, 31))}`,
    }),
    '32 common excluded, nothing else': (n) => ({ query: marked('-', some(common, 32, n)) }),
    '32 common excluded, lexical': (n) => ({ query: marked('-', some(common, 32, n)), mode: 'lexical' }),
    '32 excluded and a filter that nothing passes, lexical': (n) => ({
      query: marked('-', some(common, 32, n)),
      mode: 'lexical',
      filter: { key: 'n', gte: 1e9 },
    }),
    '32 excluded phrases of common words': (n) => ({ query: marked('-', phrases(32, n)) }),
    '31 excluded phrases and a filter that nothing passes': (n) => ({
      query: marked('-', phrases(31, n)),
      filter: { key: 'n', gte: 1e9 },
    }),
    'a required phrase of 2 common words': (n) => ({ query: marked('+', phrases(1, n)) }),
    '8 required phrases of common words': (n) => ({ query: marked('+', phrases(8, n)) }),
    '32 required common words': () => ({
      query: marked(
        '+',
        common.slice(0, 32).map((word) => `"${word}"`),
      ),
    }),
    'a required phrase of one word 60 times': (n) => ({ query: `+"${repeated(60, n)}"` }),
    'the same, and a filter that all pass': (n) => ({
      query: `+"${repeated(60, n)}"`,
      filter: { key: 'n', gte: 0 },
    }),
    'a required phrase of 500 words': (n) => ({ query: `+"${some([...common, ...rare], 500, n).join(' ')}"` }),
    'a required phrase of one word 1 400 times': (n) => ({ query: `+"${repeated(1400, n).slice(0, 9990)}"` }),
    '32 favoured phrases of common words': (n) => ({ query: `about ${phrases(32, n).join(' ')}` }),
    '31 favoured phrases of 16 words': (n) => ({ query: `about ${phrases(31, n, 16).join(' ')}`.slice(0, 9990) }),
  });
}

function sizeShapes(): Shape[] {
  return [
    ...toShapes({
      vector: (n) => ({ query: question(n), mode: 'vector' }),
      'vector, limit 1000': (n) => ({ query: question(n), mode: 'vector', ...everything }),
      'lexical, limit 1000': (n) => ({ query: question(n), mode: 'lexical', ...everything }),
      'limit 1000, top 100, neighbours 10': (n) => ({ query: question(n), ...everything }),
      'limit 1000, top 100, diversity 1': (n) => ({ query: question(n), ...everything, neighbours: 0, diversity: 1 }),
    }),
    { name: 'the tenth page of 100', body: (n) => ({ query: question(n), top_k: 100 }), pagesBefore: 9 },
    {
      name: 'the tenth page of 100, neighbours 10',
      body: (n) => ({ query: question(n), top_k: 100, neighbours: 10 }),
      pagesBefore: 9,
    },
  ];
}

function columnShapes({ common }: Vocabulary): Shape[] {
  const words = common.slice(0, 32).join(' ');
  return toShapes({
    'similarity_min 0.2': (n) => ({ query: question(n), similarity_min: 0.2 }),
    'similarity_min 0.99': (n) => ({ query: question(n), similarity_min: 0.99 }),
    'similarity_min -1, limit 1000': (n) => ({ query: question(n), similarity_min: -1, ...everything }),
    'similarity_min 0.15, 32 common words': () => ({ query: words, similarity_min: 0.15 }),
    'similarity_min 0, 32 common words, limit 1000': () => ({ query: words, similarity_min: 0, ...everything }),
    '100 conversations': (n) => ({ query: question(n), conversation_ids: list(100, (index) => `c-${n + index * 20}`) }),
    '100 unknown conversations': (n) => ({
      query: question(n),
      conversation_ids: list(100, (index) => `none-${n + index}`),
    }),
    'role user': (n) => ({ query: question(n), role: 'user' }),
    'role tool': (n) => ({ query: question(n), role: 'tool' }),
    'a tenth of the importances': (n) => ({ query: question(n), importance_min: 0.2, importance_max: 0.3 }),
    'a fifth of the time': (n) => ({
      query: question(n),
      created_after: '2025-01-10T00:00:00Z',
      created_before: '2025-01-24T00:00:00Z',
    }),
    'a time that nothing is of': (n) => ({ query: question(n), created_before: '2002-01-24T00:00:00Z' }),
    'importance above all, 32 common words': () => ({ query: words, importance_min: 1 }),
  });
}

/** Searches with a filter over metadata. */
function filtered(filters: Readonly<Record<string, unknown>>, more: SearchBody = {}): Shape[] {
  return Object.entries(filters).map(([name, filter]) => ({
    name,
    body: (n) => ({ query: question(n), top_k: 10, filter, ...more }),
  }));
}

function equalityShapes(): Shape[] {
  const values = list(99, (index) => index);
  return [
    ...filtered({
      'eq, half': { key: 'half', eq: true },
      'eq, a twentieth': { key: 'twentieth', eq: 7 },
      'eq, a two-hundredth': { key: 'rare', eq: 7 },
      'eq, none': { key: 'rare', eq: 'none' },
      'in of 100, the last of which half have': { key: 'half', in: [...values, true] },
      'two in of 100 joined by or, half': {
        or: [
          { key: 'n', in: [...values, 1000] },
          { key: 'rare', in: [...values, 100] },
        ],
      },
      '49 in of 4 joined by or, half': { or: list(49, () => ({ key: 'half', in: [1, 2, 3, true] })) },
      '49 in of 4 joined by and, half': { and: list(49, (index) => ({ key: 'half', in: [index, 2, 3, true] })) },
      '49 eq joined by and, half': { and: list(49, () => ({ key: 'half', eq: true })) },
      '48 eq joined by and, none': { and: [...list(48, () => ({ key: 'half', eq: true })), { key: 'n', eq: 'none' }] },
      'not in of 100': { not: { key: 'n', in: [...values, 99] } },
      '49 ne': { and: list(49, (index) => ({ key: 'tags', ne: `c-${index}` })) },
    }),
    ...toShapes({
      'metadata, a sixth': (n) => ({ query: question(n), metadata: { half: true, source: { kind: 'mail' } } }),
      'metadata {}': (n) => ({ query: question(n), metadata: {} }),
      'metadata of 2 000 keys': (n) => ({
        query: question(n),
        metadata: Object.fromEntries(list(2000, (index) => [`key${index}`, n])),
      }),
      'metadata of a list of 2 000': (n) => ({
        query: question(n),
        metadata: { half: true, tags: list(2000, (index) => `a-${n + index}`) },
      }),
    }),
  ];
}

function rangeShapes({ common }: Vocabulary): Shape[] {
  const query = common.slice(0, 32).join(' ');
  const none = { key: 'n', gte: 1e9 };
  const lists = { or: list(4, (index) => ({ key: 'tags', gt: `z${index}` })) };
  return [
    ...filtered({
      'range, all': { key: 'n', gte: 0 },
      'range, a tenth': { key: 'source.page', lt: 40 },
      'range, one': { key: 'n', gte: 500, lt: 501 },
      'range, none': none,
      '4 ranges, none': { and: [{ key: 'source.page', gte: 0 }, { key: 'due', gte: '2', lt: '3' }, none] },
      '4 ranges of lists, none': lists,
      '49 ranges, none': { and: [...list(48, (index) => ({ key: 'source.page', gte: -index })), none] },
      '49 ranges of lists, none': { or: list(49, (index) => ({ key: 'tags', gt: `z${index}` })) },
      'exists false, none': { key: 'n', exists: false },
      'nested not, none': { not: { not: { not: { not: { not: { not: { key: 'none', exists: true } } } } } } },
    }),
    ...filtered(
      { 'range, none, limit 1000': none, 'range, an eighth, limit 1000': { key: 'source.page', lt: 50 } },
      everything,
    ),
    ...filtered(
      { 'range, none, 32 common words': none, 'range, an eighth, 32 common words': { key: 'source.page', lt: 50 } },
      { query },
    ),
    ...filtered(
      {
        'range, a twentieth, 32 common words, limit 1000': { key: 'source.page', lt: 20 },
        '4 ranges of lists, none, 32 common words, limit 1000': lists,
      },
      { query, ...everything },
    ),
    ...filtered(
      { 'range, none, 32 common words, lexical': none, '4 ranges of lists, none, 32 common words, lexical': lists },
      { query, mode: 'lexical' },
    ),
  ];
}
