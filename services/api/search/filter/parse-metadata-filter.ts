import { requestLimits } from '../../cost/request-cost.ts';
import { FilterReport, type FilterProblem, type Place } from './filter-report.ts';
import { unindexedConditions, type MetadataFilter } from './metadata-filter.ts';
import { parseCondition } from './parse-condition.ts';

const maxDepth = 8;
const maxUnindexed = requestLimits.unindexedConditions;
const grammar = 'must be an object with one of and, or, not, or with key and operators';

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
