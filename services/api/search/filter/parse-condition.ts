import { textProblem } from '../../http/field.schemas.ts';
import { rangeOperators, type MetadataCondition, type MetadataPath, type Scalar } from './metadata-filter.ts';
import type { FilterReport, Place } from './filter-report.ts';

const maxPathKeys = 10;
const maxListValues = 100;

/** The operators of a condition, all of which have to hold: `{ "key": "n", "gte": 1, "lt": 5 }`. */
export function parseCondition(
  node: Readonly<Record<string, unknown>>,
  at: Place,
  report: FilterReport,
): MetadataCondition[] {
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
