import { createChatTexts, topics } from '../harness/chat-texts.ts';
import { createRandom, shuffled } from '../harness/random.ts';

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
  const kinds = { ...wordKinds(vocabulary), ...columnKinds(vocabulary), ...filterKinds(vocabulary) };
  return [
    ...Object.entries(kinds).map(([name, body]) => ({ name, body })),
    {
      name: 'the tenth page of 100',
      body: (n) => ({ query: question(n), top_k: 100, neighbours: 10 }),
      pagesBefore: 9,
    },
  ];
}

const asked = (more: SearchBody) => (n: number) => ({ query: question(n), ...more });
const filtered = (filter: SearchBody, more: SearchBody = {}) => asked({ top_k: 10, filter, ...more });

type Kinds = Readonly<Record<string, (n: number) => SearchBody>>;

/** Many words, and clauses that are required, excluded or favoured. */
function wordKinds({ common, rare }: Vocabulary): Kinds {
  const frequent = common.slice(0, 40);
  const stopWords = 'me my myself we our ours you your he him his she her it its them they what which who'.split(' ');
  const phrases = (count: number, n: number, length = 2): string[] =>
    list(count, (index) => `"${some(common.slice(0, 20), length, n * 100 + index).join(' ')}"`);
  const repeated = (count: number, n: number): string => list(count, () => common[n % 5]).join(' ');
  const nothing = { filter: { key: 'n', gte: 1e9 } };
  const kinds: Kinds = {
    '32 common words': (n) => ({ query: some(frequent, 32, n).join(' ') }),
    'the same, lexical, limit 1000': (n) => ({
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
    '20 stop words excluded': (n) => ({ query: `${rare[n]} ${marked('-', stopWords)}` }),
    'stop words required': () => ({ query: '+"to be or not to be"' }),
    '32 common words, 31 excluded': () => ({
      query: `${common.slice(28, 60).join(' ')} ${marked('-', common.slice(0, 31))}`,
    }),
    '32 common excluded, nothing else': (n) => ({ query: marked('-', some(common, 32, n)) }),
    'the same, none, lexical': (n) => ({ query: marked('-', some(common, 32, n)), mode: 'lexical', ...nothing }),
    '31 excluded phrases of common words': (n) => ({ query: marked('-', phrases(31, n)) }),
    'the same, none': (n) => ({ query: marked('-', phrases(31, n)), ...nothing }),
    '8 required phrases of common words': (n) => ({ query: marked('+', phrases(8, n)) }),
    '32 required common words': () => ({
      query: marked(
        '+',
        list(32, (index) => `"${common[index]}"`),
      ),
    }),
    'a required phrase of one word 60 times': (n) => ({ query: `+"${repeated(60, n)}"` }),
    '32 favoured phrases of common words': (n) => ({ query: `about ${phrases(32, n).join(' ')}` }),
    '31 favoured phrases of 16 words': (n) => ({ query: `about ${phrases(31, n, 16).join(' ')}`.slice(0, 9990) }),
  };
  return Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [name, (n) => ({ ...kind(n), query_syntax: 'operators' })]),
  );
}

/** As much as can be asked for, and filters over what a message has. */
function columnKinds({ common }: Vocabulary): Kinds {
  const words = common.slice(0, 32).join(' ');
  return {
    vector: asked({ mode: 'vector' }),
    'vector, limit 1000': asked({ mode: 'vector', ...everything }),
    'lexical, limit 1000': asked({ mode: 'lexical', ...everything }),
    'limit 1000, top 100, neighbours 10': asked(everything),
    'limit 1000, top 100, diversity 1': asked({ ...everything, neighbours: 0, diversity: 1 }),
    'similarity_min 0.99': asked({ similarity_min: 0.99 }),
    'similarity_min -1, limit 1000': asked({ similarity_min: -1, ...everything }),
    'similarity_min 0.15, 32 common words': () => ({ query: words, similarity_min: 0.15 }),
    'similarity_min 0, 32 common words, limit 1000': () => ({ query: words, similarity_min: 0, ...everything }),
    '100 conversations': (n) => ({ query: question(n), conversation_ids: list(100, (index) => `c-${n + index * 20}`) }),
    'role user': asked({ role: 'user' }),
    'role tool': asked({ role: 'tool' }),
    'a tenth of the importances': asked({ importance_min: 0.2, importance_max: 0.3 }),
    'a fifth of the time': asked({ created_after: '2025-01-10T00:00:00Z', created_before: '2025-01-24T00:00:00Z' }),
    'a time that nothing is of': asked({ created_before: '2002-01-24T00:00:00Z' }),
    'importance above all, 32 common words': () => ({ query: words, importance_min: 1 }),
  };
}

/** Filters over metadata: those that many messages pass, that none passes, and that take long to say. */
function filterKinds({ common }: Vocabulary): Kinds {
  const query = common.slice(0, 32).join(' ');
  const values = list(99, (index) => index);
  const none = { key: 'n', gte: 1e9 };
  const lists = { or: list(4, (index) => ({ key: 'tags', gt: `z${index}` })) };
  const twentieth = { key: 'source.page', lt: 20 };
  return {
    'eq, half': filtered({ key: 'half', eq: true }),
    'eq, a two-hundredth': filtered({ key: 'rare', eq: 7 }),
    'eq, none': filtered({ key: 'rare', eq: 'none' }),
    'in of 100, the last of which half have': filtered({ key: 'half', in: [...values, true] }),
    '49 in of 4 joined by or, half': filtered({ or: list(49, () => ({ key: 'half', in: [1, 2, 3, true] })) }),
    '49 in of 4 joined by and, half': filtered({
      and: list(49, (index) => ({ key: 'half', in: [index, 2, 3, true] })),
    }),
    '48 eq joined by and, none': filtered({
      and: [...list(48, () => ({ key: 'half', eq: true })), { key: 'n', eq: 'none' }],
    }),
    'not in of 100': filtered({ not: { key: 'n', in: [...values, 99] } }),
    '4 ne': filtered({ and: list(4, (index) => ({ key: 'tags', ne: `c-${index}` })) }),
    'metadata, a sixth': (n) => ({ query: question(n), metadata: { half: true, source: { kind: 'mail' } } }),
    'range, all': filtered({ key: 'n', gte: 0 }),
    'range, a twentieth': filtered(twentieth),
    'range, none': filtered(none),
    '4 ranges of lists, none': filtered(lists),
    'exists false, none': filtered({ key: 'n', exists: false }),
    'nested not, none': filtered({ not: { not: { not: { not: { not: { not: { key: 'none', exists: true } } } } } } }),
    'range, none, limit 1000': filtered(none, everything),
    'range, none, 32 common words': filtered(none, { query }),
    'range, none, 32 common words, lexical': filtered(none, { query, mode: 'lexical' }),
    'range, a twentieth, 32 common words, limit 1000': filtered(twentieth, { query, ...everything }),
    '4 ranges of lists, none, 32 common words, lexical': filtered(lists, { query, mode: 'lexical' }),
  };
}
