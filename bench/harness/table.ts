import { loadavg } from 'node:os';

/** A Markdown table, all columns but the first to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  isText = (n: number): boolean => n === 0,
) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), 3));
  const line = (cells: readonly string[]): string => {
    const padded = widths.map((width, n) => (isText(n) ? cells[n]?.padEnd(width) : cells[n]?.padStart(width)));
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, n) => (isText(n) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

export type Line = Readonly<Record<string, string | number>>;

/** The same of lines that name their columns, numbers to the right; what a line lacks is left blank. */
export function tableOf(lines: readonly Line[]): string {
  const head = [...new Set(lines.flatMap((line) => Object.keys(line)))];
  return table(
    head,
    lines.map((line) => head.map((name) => `${line[name] ?? ''}`)),
    (n) => lines.some((line) => typeof line[head[n] ?? ''] === 'string'),
  );
}

/** What disturbed the machine in the last 1, 5 and 15 minutes: above the number of cores, others did. */
export function loadNote(): string {
  const averages = loadavg().map((average) => average.toFixed(1));
  return `load ${averages.join(' ')}`;
}
