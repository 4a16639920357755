import { requestLimits } from '../../cost/request-cost.ts';
import { textProblem } from '../../http/field.schemas.ts';
import {
  rangeOperators,
  unindexedConditions,
  type MetadataCondition,
  type MetadataFilter,
  type MetadataPath,
  type Scalar,
} from './metadata-filter.ts';

const maxDepth = 8;
const maxUnindexed = requestLimits.unindexedConditions;
const grammar = 'must be an object with one of and, or, not, or with key and operators';
const maxValues = 200;
const maxConditions = 50;
const maxPathKeys = 10;
const maxListValues = 100;

/** Where in the filter: keys and positions from its root. */
type Place = readonly (string | number)[];

interface FilterProblem {
  readonly path: Place;
  readonly message: string;
}

/** What is wrong with a filter, gathered while it is parsed, and how much there is of it. */
class FilterReport {
  readonly problems: FilterProblem[] = [];
  #conditions = 0;
  #values = 0;

  /** @returns undefined, for the value that there is none of. */
  refuse(path: Place, message: string): undefined {
    this.problems.push({ path, message });
  }

  /** @returns whether it may be looked at: nothing beyond the bound is. */
  countCondition(path: Place): boolean {
    this.#conditions += 1;
    if (this.#conditions === maxConditions + 1) this.refuse(path, `is more than ${maxConditions} conditions in all`);
    return this.#conditions <= maxConditions;
  }

  countValue(path: Place): void {
    this.#values += 1;
    if (this.#values === maxValues + 1) this.refuse(path, `is more than ${maxValues} values in all`);
  }
}

export type ParsedFilter =
  | { readonly ok: true; readonly filter: MetadataFilter }
  | { readonly ok: false; readonly problems: readonly FilterProblem[] };

/** Reads a filter over metadata as it came in JSON, and says where it is wrong. See docs/search.md. */
export function parseMetadataFilter(value: unknown): ParsedFilter {
  const report = new FilterReport();
  const filter = parseNode(value, [], report);
  const unindexed = filter === undefined ? 0 : unindexedConditions(filter);
  if (report.problems.length === 0 && unindexed > maxUnindexed) {
    report.refuse([], `has ${unindexed} conditions that no index serves: at most ${maxUnindexed} are taken`);
  }
  return report.problems.length === 0 && filter !== undefined
    ? { ok: true, filter }
    : { ok: false, problems: report.problems };
}

function parseNode(value: unknown, at: Place, report: FilterReport, depth = 1): MetadataFilter | undefined {
  if (!report.countCondition(at)) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return report.refuse(at, grammar);
  if (depth > maxDepth) return report.refuse(at, `is nested deeper than ${maxDepth} levels`);
  const node: Readonly<Record<string, unknown>> = { ...value };
  const joint = (['and', 'or', 'not'] as const).find((name) => Object.hasOwn(node, name));
  if (joint === undefined) {
    return Object.hasOwn(node, 'key') ? allOf(parseCondition(node, at, report)) : noKey(node, at, report);
  }
  for (const name of Object.keys(node)) {
    if (name !== joint) report.refuse([...at, name], `cannot stand beside ${joint}`);
  }
  const place = [...at, joint];
  if (joint === 'not') {
    const part = parseNode(node['not'], place, report, depth + 1);
    return part && { kind: 'not', part };
  }
  // One of three names, which the object has itself.
  // oxlint-disable-next-line memory-layer/no-dictionary-lookup
  const items = node[joint];
  if (!Array.isArray(items)) return report.refuse(place, 'must be a list');
  if (items.length === 0) return report.refuse(place, 'must hold at least one condition');
  const parts = items.flatMap((item: unknown, index) => parseNode(item, [...place, index], report, depth + 1) ?? []);
  return { kind: joint, parts };
}

function allOf(parts: readonly MetadataFilter[]): MetadataFilter {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: 'and', parts };
}

/** Names what was written in place of `key`, `and`, `or`, `not`; an empty object as a whole. */
function noKey(node: Readonly<Record<string, unknown>>, at: Place, report: FilterReport): undefined {
  const names = Object.keys(node).slice(0, 5);
  if (names.length === 0) return report.refuse(at, grammar);
  for (const name of names) report.refuse([...at, name], 'stands without key, and is none of and, or, not');
}

/** The operators of a condition, all of which have to hold: `{ "key": "n", "gte": 1, "lt": 5 }`. */
function parseCondition(node: Readonly<Record<string, unknown>>, at: Place, report: FilterReport): MetadataCondition[] {
  const path = parsePath(node['key'], [...at, 'key'], report);
  const operators = Object.entries(node).filter(([name]) => name !== 'key');
  if (operators.length === 0) report.refuse(at, `needs an operator: ${operatorNames.join(', ')}`);
  return operators.flatMap(([name, operand]) => {
    const place = [...at, name];
    const parse = parsers.get(name);
    if (parse === undefined) report.refuse(place, `is not an operator: ${operatorNames.join(', ')}`);
    return parse?.({ path, operand, place, report }) ?? [];
  });
}

interface Operation {
  readonly path: MetadataPath;
  readonly operand: unknown;
  readonly place: Place;
  readonly report: FilterReport;
}

type Parser = (operation: Operation) => MetadataCondition | undefined;

const parsers: ReadonlyMap<string, Parser> = new Map<string, Parser>([
  ['eq', (operation) => parseEquality('eq', operation)],
  ['ne', (operation) => parseEquality('ne', operation)],
  ['in', parseIn],
  ...rangeOperators.map((kind) => [kind, (operation: Operation) => parseRange(kind, operation)] as const),
  ['exists', parseExists],
]);
const operatorNames = [...parsers.keys()];

function parseEquality(kind: 'eq' | 'ne', { path, operand, place, report }: Operation): MetadataCondition | undefined {
  const value = parseScalar(operand, place, report);
  return value === undefined ? undefined : { kind, path, value };
}

function parseIn({ path, operand, place, report }: Operation): MetadataCondition | undefined {
  if (!Array.isArray(operand)) return report.refuse(place, 'must be a list');
  if (operand.length === 0) return report.refuse(place, 'must hold at least one value');
  if (operand.length > maxListValues) return report.refuse(place, `must hold at most ${maxListValues} values`);
  const values = operand.map((item: unknown, index) => parseScalar(item, [...place, index], report));
  return { kind: 'in', path, values: values.filter((value) => value !== undefined) };
}

function parseRange(
  kind: (typeof rangeOperators)[number],
  { path, operand, place, report }: Operation,
): MetadataCondition | undefined {
  if (typeof operand !== 'number' && typeof operand !== 'string') {
    return report.refuse(place, 'must be a number or a text');
  }
  const value = parseScalar(operand, place, report);
  return typeof value === 'number' || typeof value === 'string' ? { kind, path, value } : undefined;
}

function parseExists({ path, operand, place, report }: Operation): MetadataCondition | undefined {
  return typeof operand === 'boolean'
    ? { kind: 'exists', path, value: operand }
    : report.refuse(place, 'must be true or false');
}

function parseScalar(value: unknown, place: Place, report: FilterReport): Scalar | undefined {
  report.countValue(place);
  if (typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'string') {
    const problem = textProblem(value);
    return problem === undefined ? value : report.refuse(place, problem);
  }
  if (typeof value !== 'number') return report.refuse(place, 'must be a text, a number, true, false or null');
  if (!Number.isFinite(value)) return report.refuse(place, 'is a number too large to compare');
  const losesDigits = Number.isInteger(value) && !Number.isSafeInteger(value);
  return losesDigits ? report.refuse(place, 'is a whole number beyond 2^53, which would lose digits') : value;
}

/** `"a.b"`, or `["a", "b"]` for keys that have dots in them or are empty. */
function parsePath(key: unknown, place: Place, report: FilterReport): MetadataPath {
  const refuse = (where: Place, problem: string) => report.refuse(where, problem) ?? [];
  if (typeof key !== 'string' && !Array.isArray(key)) return refuse(place, 'must be a text or a list of texts');
  const path: readonly unknown[] = typeof key === 'string' ? key.split('.') : key;
  if (path.length === 0) return refuse(place, 'must name a key');
  if (path.length > maxPathKeys) return refuse(place, `must have at most ${maxPathKeys} keys`);
  if (typeof key === 'string' && path.includes('')) return refuse(place, 'has an empty key: write the path as a list');
  return path.flatMap((part, index) => {
    const where = typeof key === 'string' ? place : [...place, index];
    const problem = typeof part === 'string' ? textProblem(part) : 'must be a text';
    return typeof part === 'string' && problem === undefined ? [part] : refuse(where, problem ?? '');
  });
}
