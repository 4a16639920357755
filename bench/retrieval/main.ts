/** Retrieval quality over HTTP: `pnpm bench:retrieval --help`, and docs/evaluation.md. */
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure, type MeasureOptions } from './measure.ts';
import { parseOptions, usage, type RetrievalOptions } from './options.ts';
import { startOwnServer } from './own-server.ts';
import { drawPicture, panelsOf } from './picture.ts';
import { parseResults, type Results } from './results.ts';
import { comparisonOf, reportOf } from './tables.ts';

const say = (line: string): void => console.error(line);

async function measureAnywhere(options: RetrievalOptions & { readonly file: string }, out: string): Promise<Results> {
  const { url, apiKey, dataDir } = options;
  const rest: Omit<MeasureOptions, 'target'> = { ...options, run: options.run ?? defaultRun(url), out, say };
  if (url !== undefined) return measure({ ...rest, target: { url, apiKey } });
  await using server = await startOwnServer(dataDir);
  say(`started a process of its own on ${server.url}, data in ${server.dataDir}`);
  return await measure({ ...rest, target: server });
}

/** In a data folder of the bench there is nothing else; in a deployment each run has tenants of its own. */
function defaultRun(url: string | undefined): string {
  return url === undefined ? 'retrieval' : `retrieval-${Date.now().toString(36)}`;
}

async function resultsOf(options: RetrievalOptions, out: string): Promise<Results> {
  const { file, results } = options;
  if (results !== undefined) return parseResults(await readFile(results, 'utf8'));
  if (file === undefined) throw new Error('give --file');
  return measureAnywhere({ ...options, file }, out);
}

if (process.argv.includes('--help')) {
  console.log(usage);
} else {
  const options = parseOptions(process.argv.slice(2), process.env['MEMORY_API_KEY']);
  const out = options.out ?? (await mkdtemp(join(tmpdir(), 'retrieval-results-')));
  await mkdir(out, { recursive: true });
  const results = await resultsOf(options, out);
  const other = options.compare === undefined ? undefined : parseResults(await readFile(options.compare, 'utf8'));
  const report = [reportOf(results), ...(other === undefined ? [] : [comparisonOf(results, other)])].join('\n\n');
  await writeFile(join(out, 'results.json'), JSON.stringify(results));
  await writeFile(join(out, 'report.md'), `${report}\n`);
  await writeFile(join(out, 'picture.svg'), drawPicture(`Retrieval: ${results.file.name}`, panelsOf(results)));
  console.log(report);
  say(`written to ${out}`);
  if (results.variants.length < options.variants.length && options.results === undefined) process.exitCode = 1;
}
