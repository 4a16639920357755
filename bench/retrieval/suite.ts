import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { table } from '../harness/table.ts';
import { measure, type MeasureOptions } from './measure.ts';
import type { MetricName } from './metrics.ts';
import { differences, groupsOf, intervalOf, parseResults, type Results, type VariantResult } from './results.ts';
import { comparisonOf, percent, reportOf, signed } from './tables.ts';

type SuiteOptions = Omit<MeasureOptions, 'file'> & { readonly suite: string };

/** Measures each file of a folder. The results of each are in a folder of its name, as soon as they are there. */
export async function measureSuite(options: SuiteOptions): Promise<Results[]> {
  const files = (await readdir(options.suite)).filter((name) => name.endsWith('.json')).toSorted();
  const all: Results[] = [];
  for (const file of files) {
    const out = join(options.out, nameOf(file));
    await mkdir(out, { recursive: true });
    const results = await measure({
      ...options,
      file: join(options.suite, file),
      run: `${options.run}-${nameOf(file)}`,
      out,
    });
    await writeFile(join(out, 'results.json'), JSON.stringify(results));
    await writeFile(join(out, 'report.md'), `${reportOf(results)}\n`);
    all.push(results);
  }
  return all;
}

/** One table of all sets; with the folder of an earlier run, also the differences to it. */
export async function suiteReport(all: readonly Results[], earlier: string | undefined): Promise<string> {
  const parts = ['# R@10 of each set, in percent', comparedTable(all), '# The default, in percent', defaultTable(all)];
  for (const results of earlier === undefined ? [] : all) {
    const file = join(earlier ?? '', nameOf(results.file.name), 'results.json');
    parts.push(`# ${results.file.name}`, comparisonOf(results, parseResults(await readFile(file, 'utf8'))));
  }
  return parts.join('\n\n');
}

/** Every variant of each set, and the first minus the best of the others. */
function comparedTable(all: readonly Results[]): string {
  const names = [...new Set(all.flatMap(({ variants }) => variants.map(({ name }) => name)))];
  const rows = all.map((results) => {
    const [first, ...others] = results.variants;
    const best = others.toSorted((one, other) => meanOf(other) - meanOf(one))[0];
    const cells = names.map((name) => {
      const variant = results.variants.find((each) => each.name === name);
      return variant === undefined ? '–' : percent(meanOf(variant));
    });
    const beside = first === undefined || best === undefined ? '–' : `${difference(first, best)} ${best.name}`;
    return [nameOf(results.file.name), String(first?.questions.length ?? 0), ...cells, beside];
  });
  return table(['', 'questions', ...names, 'first − best other'], rows);
}

const judged: readonly MetricName[] = ['R@5', 'R@10', 'R@20', 'R@50', 'all@10', 'all@20', 'nDCG@10', 'session R@10'];

function defaultTable(all: readonly Results[]): string {
  const rows = all.map(({ file, variants }) => {
    const group = variants[0]?.groups[0];
    const cells = judged.map((metric) => {
      const interval = group === undefined ? null : intervalOf(group, metric);
      return interval === null
        ? '–'
        : `${percent(interval.mean)} [${percent(interval.low)}, ${percent(interval.high)}]`;
    });
    return [nameOf(file.name), ...cells];
  });
  return table(['', ...judged], rows);
}

function meanOf({ groups }: VariantResult): number {
  const [group] = groups;
  return (group === undefined ? null : intervalOf(group, 'R@10'))?.mean ?? 0;
}

function difference(first: VariantResult, other: VariantResult): string {
  const [group] = groupsOf(differences(first.questions, other.questions));
  const interval = group === undefined ? null : intervalOf(group, 'R@10');
  return interval === null ? '–' : `${signed(interval.mean)} [${signed(interval.low)}, ${signed(interval.high)}]`;
}

function nameOf(file: string): string {
  return basename(file, '.json');
}
