/** Retrieval quality over HTTP: `pnpm bench:retrieval --help`, and docs/evaluation.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOptions } from '../harness/options.ts';
import { makeFolder } from '../harness/report.ts';
import { reportForeign } from './foreign.ts';
import { measure } from './measure.ts';
import type { Target } from './memory-client.ts';
import { about, specs, toRetrievalOptions } from './options.ts';
import { startOwnServer } from './own-server.ts';
import { parseResults, type Results } from './results.ts';
import { measureSuite, suiteReport } from './suite.ts';
import { comparisonOf, reportOf } from './tables.ts';

const options = toRetrievalOptions(readOptions(about, specs));
const out = await makeFolder(options.out, 'retrieval-results');

async function withTarget<Result>(work: (target: Target, run: string) => Promise<Result>): Promise<Result> {
  const { url, key } = options;
  if (url !== undefined) {
    // In a deployment each run has tenants of its own; in a data folder of the bench there is nothing else.
    const run = options.run ?? `retrieval-${Date.now().toString(36)}`;
    return work({ url, apiKey: key ?? process.env['MEMORY_API_KEY'] ?? '' }, run);
  }
  await using server = await startOwnServer(options.data);
  console.error(`started a process of its own on ${server.url}, data in ${server.dataDir}`);
  return await work(server, options.run ?? 'retrieval');
}

async function findResults(): Promise<Results> {
  const { file, results } = options;
  if (results !== undefined) return parseResults(await readFile(results, 'utf8'));
  if (file === undefined) throw new Error('give --file');
  return withTarget((target, run) => measure({ ...options, file, run, out, target }));
}

async function reportOfFile(): Promise<{ report: string; all: readonly Results[] }> {
  const results = await findResults();
  const other = options.compare === undefined ? undefined : parseResults(await readFile(options.compare, 'utf8'));
  await writeFile(join(out, 'results.json'), JSON.stringify(results));
  const parts = [reportOf(results), ...(other === undefined ? [] : [comparisonOf(results, other)])];
  return { report: parts.join('\n\n'), all: [results] };
}

async function reportOfSuite(suite: string): Promise<{ report: string; all: readonly Results[] }> {
  return withTarget(async (target, run) => {
    const all = await measureSuite({ ...options, suite, run, out, target });
    const parts = [await suiteReport(all, options.compare)];
    if (options.foreign > 0) parts.push(await reportForeign({ ...options, suite, run, out, target }));
    return { report: parts.join('\n\n'), all };
  });
}

const { report, all } = await (options.suite === undefined ? reportOfFile() : reportOfSuite(options.suite));
await writeFile(join(out, 'report.md'), `${report}\n`);
console.log(report);
console.error(`written to ${out}`);
const isComplete = all.every(({ variants }) => variants.length === options.variants.length);
if (!isComplete && options.results === undefined) process.exitCode = 1;
