/** The write path and searches beside their baselines: `pnpm bench:baseline-comparison --help`. */
import { readOptions } from '../harness/options.ts';
import { makeFolder, runRows } from '../harness/report.ts';
import { createStack } from '../harness/stack.ts';
import { about, specs, type ComparisonRow } from './bench.ts';
import { busyWorker, searchable } from './rows/embedding.ts';
import { growth, soak } from './rows/long.ts';
import {
  searchClosed,
  searchEmbedding,
  searchLarge,
  searchMany,
  searchSmall,
  searchUnderIngest,
  searchUnderSteadyIngest,
} from './rows/searches.ts';
import { processes, searchProcesses } from './rows/processes.ts';
import { batch, paced, single, stream } from './rows/writes.ts';

const usual: readonly ComparisonRow[] = [single, busyWorker, batch, stream, paced, searchable];
/** Those that take more than a few minutes are asked for by name. Each population of the searches is stored once. */
const long: readonly ComparisonRow[] = [
  growth,
  soak,
  searchLarge,
  searchEmbedding,
  searchClosed,
  searchMany,
  searchSmall,
  searchUnderSteadyIngest,
  searchUnderIngest,
  processes,
  searchProcesses,
];

function choose(names: string | undefined): readonly ComparisonRow[] {
  const rows = [...usual, ...long];
  if (names === undefined) return usual;
  return names.split(',').map((name) => {
    const row = rows.find((known) => known.name === name);
    if (row === undefined) throw new Error(`no row ${name}: there are ${rows.map((known) => known.name).join(', ')}`);
    return row;
  });
}

const options = readOptions(about, specs);
const chosen = choose(options.rows);
const folder = await makeFolder(options.out, 'baseline');
await using stack = await createStack(folder);
await runRows('baseline-comparison', chosen, { stack, options, folder });
