import { table } from '../harness/table.ts';
import { resamples } from './bootstrap.ts';
import { metricNames, type MetricName } from './metrics.ts';
import { differences, groupsOf, intervalOf, type Group, type Results, type VariantResult } from './results.ts';

/** Shown with their intervals; the others by their means alone. */
const judgedBy: ReadonlySet<MetricName> = new Set(['R@5', 'R@10', 'session R@5', 'session R@10']);

/** Everything that a run found, as Markdown. In percent. */
export function reportOf(results: Results): string {
  const [first, ...others] = results.variants;
  if (first === undefined) return 'Nothing was asked.\n';
  return [
    headOf(results),
    `## ${first.name}, in percent`,
    groupTable(first.groups),
    ...(others.length === 0 ? [] : ablations(first, others)),
  ].join('\n\n');
}

/** Each variant that both runs have: this run minus the other one. */
export function comparisonOf(results: Results, other: Results): string {
  const tables = results.variants.flatMap((variant) => {
    const same = other.variants.find(({ name }) => name === variant.name);
    if (same === undefined) return [];
    const paired = differences(variant.questions, same.questions);
    const unpaired = variant.questions.length + same.questions.length - 2 * paired.length;
    const note = unpaired === 0 ? '' : ` (${unpaired} questions have no counterpart and do not count)`;
    return [`### ${variant.name}${note}`, differenceTable(groupsOf(paired))];
  });
  const title = `## This run minus ${other.run} of ${other.startedAt}, paired by question, in points`;
  return [title, ...(tables.length === 0 ? ['No variant is in both.'] : tables)].join('\n\n');
}

function headOf(results: Results): string {
  const { file, run, dropped, load, failedToEmbed } = results;
  const reasons = Object.entries(dropped).map(([reason, count]) => `${count} × ${reason}`);
  return [
    `# Retrieval: ${file.name} (${file.format}, ${file.chats} chats, ${file.turns} turns), run ${run}`,
    '',
    `- left out of the file: ${reasons.join('; ') || 'nothing'}`,
    ...(failedToEmbed === 0 ? [] : [`- **${failedToEmbed} messages could not be embedded**`]),
    `- means over questions; 95 % bootstrap intervals (chats are drawn, then their questions; ${resamples} resamples)`,
    `- load average before ${load.before.toFixed(1)}, after ${load.after.toFixed(1)}`,
  ].join('\n');
}

function ablations(first: VariantResult, others: readonly VariantResult[]): string[] {
  const rows = [first, ...others].map(({ name, groups }) => ofAll(groups, name));
  const against = others.map(({ name, questions }) => ofAll(groupsOf(differences(questions, first.questions)), name));
  const title = `## Each variant minus ${first.name}, paired by question, in points`;
  return ['## Variants, all questions, in percent', groupTable(rows.flat()), title, differenceTable(against.flat())];
}

/** The group of all questions, under the name of its variant. */
function ofAll(groups: readonly Group[], name: string): Group[] {
  return groups.filter((group) => group.name === 'all').map((group) => ({ ...group, name }));
}

function groupTable(groups: readonly Group[]): string {
  return tableBy(groups, (group, metric) => {
    const interval = intervalOf(group, metric);
    if (interval === null) return '–';
    const bounds = judgedBy.has(metric) ? ` [${percent(interval.low)}, ${percent(interval.high)}]` : '';
    return `${percent(interval.mean)}${bounds}`;
  });
}

function differenceTable(groups: readonly Group[]): string {
  return tableBy(groups, (group, metric) => {
    const interval = intervalOf(group, metric);
    if (interval === null) return '–';
    return `${signed(interval.mean)} [${signed(interval.low)}, ${signed(interval.high)}]`;
  });
}

function tableBy(groups: readonly Group[], cell: (group: Group, metric: MetricName) => string): string {
  const rows = groups.map((group) => [
    group.name,
    String(group.questions),
    ...metricNames.map((metric) => cell(group, metric)),
  ]);
  return table(['', 'questions', ...metricNames], rows);
}

export function percent(share: number): string {
  return (share * 100).toFixed(1);
}

export function signed(share: number): string {
  const text = percent(share);
  return share > 0 && Number(text) !== 0 ? `+${text}` : text.replace(/^-(0\.0)$/, '$1');
}
