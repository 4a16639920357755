/** Retrieval quality over HTTP: `pnpm bench:retrieval --help`, and docs/evaluation.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readOptions } from '../harness/options.ts';
import { makeFolder } from '../harness/report.ts';
import { measure } from './measure.ts';
import { about, specs, toRetrievalOptions } from './options.ts';
import { startOwnServer } from './own-server.ts';
import { parseResults, type Results } from './results.ts';
import { comparisonOf, reportOf } from './tables.ts';

const options = toRetrievalOptions(readOptions(about, specs));
const out = await makeFolder(options.out, 'retrieval-results');

async function findResults(): Promise<Results> {
  const { file, results, url, key } = options;
  if (results !== undefined) return parseResults(await readFile(results, 'utf8'));
  if (file === undefined) throw new Error('give --file');
  if (url !== undefined) {
    // In a deployment each run has tenants of its own; in a data folder of the bench there is nothing else.
    const run = options.run ?? `retrieval-${Date.now().toString(36)}`;
    const apiKey = key ?? process.env['MEMORY_API_KEY'] ?? '';
    return measure({ ...options, file, run, out, target: { url, apiKey } });
  }
  await using server = await startOwnServer(options.data);
  console.error(`started a process of its own on ${server.url}, data in ${server.dataDir}`);
  return await measure({ ...options, file, run: options.run ?? 'retrieval', out, target: server });
}

const results = await findResults();
const other = options.compare === undefined ? undefined : parseResults(await readFile(options.compare, 'utf8'));
const report = [reportOf(results), ...(other === undefined ? [] : [comparisonOf(results, other)])].join('\n\n');
await writeFile(join(out, 'results.json'), JSON.stringify(results));
await writeFile(join(out, 'report.md'), `${report}\n`);
console.log(report);
console.error(`written to ${out}`);
if (results.variants.length < options.variants.length && options.results === undefined) process.exitCode = 1;
