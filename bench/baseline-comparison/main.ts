/** The write path and searches beside their baselines: `pnpm bench:baseline-comparison --help`. */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseComparisonOptions, usage } from './options.ts';
import { describeMachine, printRow, printSummary, type MeasuredRow } from './report.ts';
import type { Bench, Row } from './row.ts';
import { batch } from './rows/batch.ts';
import { busyWorker } from './rows/busy-worker.ts';
import { growth } from './rows/growth.ts';
import { paced } from './rows/paced.ts';
import { searchable } from './rows/searchable.ts';
import { searchClosed } from './rows/search-closed.ts';
import { searchEmbedding } from './rows/search-embedding.ts';
import { searchLarge, searchMany } from './rows/search-paced.ts';
import { searchUnderIngest, searchUnderSteadyIngest } from './rows/search-under-ingest.ts';
import { single } from './rows/single.ts';
import { soak } from './rows/soak.ts';
import { stream } from './rows/stream.ts';
import { createStack } from './stack.ts';

const writes: readonly Row[] = [single, busyWorker, batch, stream, paced, searchable, growth, soak];
/** Those of one large tenant first, then those of many: each population is stored once. */
const searches: readonly Row[] = [
  searchLarge,
  searchEmbedding,
  searchClosed,
  searchMany,
  searchUnderSteadyIngest,
  searchUnderIngest,
];
const rows = [...writes, ...searches];
/** Those that take more than a few minutes are asked for by name. */
const byName: ReadonlySet<Row> = new Set([growth, soak, ...searches]);

function choose(names: readonly string[] | undefined): readonly Row[] {
  if (names === undefined) return rows.filter((row) => !byName.has(row));
  return names.map((name) => {
    const row = rows.find((known) => known.name === name);
    if (row === undefined) throw new Error(`no row ${name}: there are ${rows.map((known) => known.name).join(', ')}`);
    return row;
  });
}

/** One row that cannot be measured does not keep the others from it. */
async function measure(row: Row, bench: Bench): Promise<MeasuredRow> {
  const { name, what, baseline } = row;
  try {
    return { name, what, baseline, ...(await row.measure(bench)) };
  } catch (error) {
    return { name, what, baseline, failure: error instanceof Error ? error.message : String(error) };
  }
}

async function run(args: readonly string[]): Promise<void> {
  const options = parseComparisonOptions(args);
  const chosen = choose(options.rows);
  const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env;
  if (databaseUrl === undefined || redisUrl === undefined) {
    throw new Error('needs TEST_DATABASE_URL and TEST_REDIS_URL: see --help');
  }
  const folder =
    options.out === undefined ? await mkdtemp(join(tmpdir(), 'memory-layer-baseline-')) : resolve(options.out);
  await mkdir(folder, { recursive: true });
  const given = Object.entries(process.env).filter(([name]) => /^MEMORY_(?:EMBEDDING|MODEL)_/.test(name));
  const env = Object.fromEntries(given.map(([name, value = '']) => [name, value]));
  await using stack = await createStack({ databaseUrl, redisUrl, folder, env });
  const bench: Bench = { stack, options, folderOf: (name) => join(folder, name) };

  const measured: MeasuredRow[] = [];
  const machine = await describeMachine(stack);
  for (const row of chosen) {
    console.error(`measuring ${row.name} …`);
    const result = await measure(row, bench);
    measured.push(result);
    printRow(result);
    // After every row: what is interrupted has kept what it had.
    await writeFile(
      join(folder, 'baseline-comparison.json'),
      `${JSON.stringify({ machine, options, rows: measured }, null, 2)}\n`,
    );
  }
  printSummary(measured);
  console.log(`written to ${folder}`);
}

if (process.argv.includes('--help')) console.log(usage);
else await run(process.argv.slice(2));
