import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Memory } from '../../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../../testing/test-api.ts';
import { parseMetadataFilter } from '../query/parse-metadata-filter.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const seed = 20_260_301;

// Few keys and values, so that they meet; some mean something to SQL, JSON, jsonpath or arrays.
const keys = ['a', 'b', 'a.b', '', '0', '"', `'\\`, '$', '__proto__', 'é\u{1f44b}'];
const scalars = [
  0,
  1,
  -1,
  1.5,
  1e-7,
  5e-324,
  '',
  'a',
  'A',
  '1',
  'null',
  '"',
  `\\'`,
  '$value',
  '@',
  '\uffff',
  '\u{10000}',
];
const rarer = ['2026-01-05', '2026-01-05T10:00:00Z', '\u001f\u007f', true, false, null];
const scalar = fc.constantFrom(...scalars, ...rarer);
const key = fc.oneof({ weight: 2, arbitrary: fc.constantFrom('a', 'b') }, fc.constantFrom(...keys));
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    { weight: 5, arbitrary: scalar },
    fc.array(fc.oneof(scalar, fc.array(scalar, { maxLength: 2 })), { maxLength: 3 }),
    objectOf(tie('value')),
  ),
}));
const metadata = objectOf(value);

// Through entries, so that __proto__ is a key like any other.
function objectOf(item: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc.array(fc.tuple(key, item), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
}

const path = fc.oneof(
  { weight: 2, arbitrary: fc.array(key, { minLength: 1, maxLength: 2 }) },
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'a.b', 'a.0', 'b.a.b') },
);
const operators = fc.oneof(
  fc.record({ eq: scalar }),
  fc.record({ ne: scalar }),
  fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 5 }) }),
  fc.record({ in: fc.array(scalar, { minLength: 9, maxLength: 30 }) }),
  fc.record({ exists: fc.boolean() }),
  fc
    .tuple(fc.constantFrom('gt', 'gte', 'lt', 'lte'), scalar.filter(isOrdered))
    .map(([name, operand]) => ({ [name]: operand })),
  fc.record({ gte: scalar.filter(isOrdered), lt: scalar.filter(isOrdered) }),
);
const { filter } = fc.letrec<{ filter: Node }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: fc.tuple(path, operators).map(([where, what]) => ({ key: where, ...what })) },
    fc.record({ and: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ or: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie('filter') }),
  ),
}));

/** Within the limit of conditions that no index serves. */
function isTaken(node: Node): boolean {
  return parseMetadataFilter(node).ok;
}

interface Node {
  readonly and?: readonly Node[];
  readonly or?: readonly Node[];
  readonly not?: Node;
  readonly key?: string | readonly string[];
  readonly [operator: string]: unknown;
}

function isOrdered(item: unknown): boolean {
  return typeof item === 'number' || typeof item === 'string';
}

/** What docs/search.md says of filters, as plainly as it can be written. */
function holds(node: Node, stored: unknown): boolean {
  if (node.and !== undefined) return node.and.every((part) => holds(part, stored));
  if (node.or !== undefined) return node.or.some((part) => holds(part, stored));
  if (node.not !== undefined) return !holds(node.not, stored);
  const { key: where = [], ...tests } = node;
  let found: unknown = stored;
  for (const name of typeof where === 'string' ? where.split('.') : where) {
    const isObject = typeof found === 'object' && found !== null && !Array.isArray(found);
    found = isObject && Object.hasOwn(found as object, name) ? (found as Record<string, unknown>)[name] : undefined;
  }
  const values: readonly unknown[] = Array.isArray(found) ? found : [found];
  return Object.entries(tests).every(([operator, operand]) => holdsFor(operator, operand, values, found !== undefined));
}

function holdsFor(operator: string, operand: unknown, values: readonly unknown[], isThere: boolean): boolean {
  const beside = (isIn: (order: number) => boolean) =>
    values.some((item) => typeof item === typeof operand && isOrdered(item) && isIn(compare(item, operand)));
  switch (operator) {
    case 'eq':
      return values.includes(operand);
    case 'ne':
      return !values.includes(operand);
    case 'in':
      return (operand as readonly unknown[]).some((item) => values.includes(item));
    case 'exists':
      return isThere === operand;
    case 'gt':
      return beside((order) => order > 0);
    case 'gte':
      return beside((order) => order >= 0);
    case 'lt':
      return beside((order) => order < 0);
    case 'lte':
      return beside((order) => order <= 0);
    default:
      throw new Error(`no such operator: ${operator}`);
  }
}

/** Numbers by size, texts by code points, which is the order of their UTF-8. */
function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
}

describe('a filter over metadata', () => {
  const stored = [...fc.sample(metadata, { seed, numRuns: 89 }), {}, ...everyShape()];
  let memory: Memory;
  let ids: string[];
  beforeAll(async () => {
    memory = createMemory(() => api);
    ids = await memory.store(...stored.map((item) => ({ content: 'garden', metadata: item })));
  });

  async function find(where: unknown): Promise<string[]> {
    const { items } = await memory.search('garden', { mode: 'lexical', top_k: 100, collapse: false, filter: where });
    return items.map((item) => item.message_id).toSorted();
  }
  const expected = (node: Node) => ids.filter((_, index) => holds(node, stored[index])).toSorted();

  test('finds what a plain reading of it finds', { timeout: 60_000 }, async () => {
    let some = 0;
    await fc.assert(
      fc.asyncProperty(filter.filter(isTaken), async (node) => {
        const found = await find(node);
        expect(found).toEqual(expected(node));
        some += Number(found.length > 0 && found.length < ids.length);
      }),
      { seed, numRuns: 300 },
    );
    // Else the property looked at nothing but all and none.
    expect(some).toBeGreaterThan(100);
  });

  // The lines of the table in docs/search.md.
  test.each<[Node, readonly unknown[]]>([
    [{ key: 'shape', eq: 1 }, [1, [1, 'x']]],
    [{ key: 'shape', exists: true, ne: 1 }, [null, '1', true, [], { a: 1 }]],
    [{ key: 'shape', eq: null }, [null]],
    [{ key: 'shape', in: [1, '1'] }, [1, '1', [1, 'x']]],
    [{ key: 'shape', gte: 0 }, [1, [1, 'x']]],
    [{ key: 'shape', gte: '0' }, ['1', [1, 'x']]],
    [{ and: [{ key: 'shape', exists: true }, { not: { key: 'shape', gte: 0 } }] }, [null, '1', true, [], { a: 1 }]],
    [{ key: 'shape', exists: true }, [null, 1, '1', true, [1, 'x'], [], { a: 1 }]],
    [{ key: 'shape', gte: 1, lt: 1 }, []],
  ])('%j leaves %j', async (node, shapes) => {
    const found = await find(node);
    const left = stored.filter((_, index) => found.includes(ids[index] ?? '') && 'shape' in (stored[index] ?? {}));
    expect(left.map((item) => (item as { shape: unknown }).shape)).toEqual(shapes);
  });

  test.each<[string, (values: readonly unknown[]) => Node]>([
    ['alone', (values) => ({ key: 'shape', in: values })],
    [
      'beside another',
      (values) => ({
        and: [
          { key: 'shape', in: values },
          { key: 'shape', exists: true },
        ],
      }),
    ],
    [
      'in one of several',
      (values) => ({
        or: [
          { key: 'shape', in: values },
          { key: 'shape', eq: 'none' },
        ],
      }),
    ],
    ['opposed', (values) => ({ not: { key: 'shape', in: values } })],
    ['of a path that looks like a place in a list', (values) => ({ key: ['shape', '0'], in: values })],
  ])('a long list of values is the same as each of them: %s', async (_, of) => {
    const values = [...Array.from({ length: 50 }, (__, n) => `none-${n}`), 1, 'x', null];
    const found = await find(of(values));
    expect(found).toEqual(expected(of(values)));
  });

  test('together with containment and the other filters', async () => {
    const all = { metadata: { shape: [1] }, filter: { key: 'shape', eq: 'x' }, role: 'user', importance_max: 0.5 };
    expect((await memory.search('garden', all)).items.map((item) => item.content)).toEqual(['garden']);
    expect(await memory.find('garden', { ...all, importance_max: 0.1 })).toEqual([]);
  });

  test('whatever the mode', async () => {
    await memory.embed();
    const node = {
      or: [
        { key: 'shape', eq: 1 },
        { key: 'shape', lt: 'y' },
      ],
    };
    const byWords = await find(node);
    for (const mode of ['vector', 'hybrid']) {
      const { items } = await memory.search('garden', { mode, top_k: 100, collapse: false, filter: node });
      expect(items.map((item) => item.message_id).toSorted()).toEqual(byWords);
    }
    expect(byWords).toHaveLength(3);
  });
});

function everyShape(): object[] {
  return [null, 1, '1', true, [1, 'x'], [], { a: 1 }].map((shape) => ({ shape }));
}
