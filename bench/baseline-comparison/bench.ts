import { join } from 'node:path';
import type { BenchProcess } from '../harness/child-process.ts';
import type { Options } from '../harness/options.ts';
import type { Row } from '../harness/rounds.ts';
import { sampleLoad, sampleScript } from '../harness/sample.ts';
import type { Stack } from '../harness/stack.ts';

export const about = `The write path and searches beside their baselines.

  pnpm bench:baseline-comparison [options]

MEMORY_EMBEDDING_… variables reach the services.`;

export const specs = {
  rows: {
    text: undefined,
    help: 'rows to measure, as in single,batch; without it all that take a few minutes at most',
  },
  runs: { number: 3, help: 'how often baseline and product take turns; medians are compared' },
  seconds: { number: 5, help: 'length of a timed run' },
  warmup: { number: 2, help: 'seconds before it, not counted' },
  clients: { number: 100, help: 'clients of single posts' },
  batchClients: { number: 8, help: 'clients of batches' },
  lines: { number: 200_000, help: 'lines of the NDJSON stream' },
  stored: { number: 500_000, help: 'messages stored at the end of row growth' },
  window: { number: 10_000, help: 'messages of one step of row growth' },
  samples: { number: 50, help: 'messages of row searchable' },
  soakSeconds: { number: 600, help: 'length of row soak' },
  searchSmall: { number: 6000, help: 'messages of the small tenant in search rows' },
  searchLarge: { number: 100_000, help: 'messages of the large tenant in search rows' },
  searchMessages: { number: 300_000, help: 'messages of the many tenants in search rows' },
  searchTenants: { number: 1000, help: 'how many those are' },
  nice: { number: 10, help: 'niceness of the embed worker' },
  out: {
    text: undefined,
    help: 'where baseline-comparison.json, pictures and logs go; a new temporary folder without it',
  },
} as const;

export interface Bench {
  readonly stack: Stack;
  readonly options: Options<typeof specs>;
  readonly folder: string;
}

export type ComparisonRow = Row<Bench>;

/**
 * Load on the first of the processes, whose CPU is read, all of them.
 *
 * @param name of the folder for its report
 * @param more options of bench/load beside the length of a run
 */
export function load(
  { stack, options, folder }: Bench,
  processes: readonly [BenchProcess, ...BenchProcess[]],
  name: string,
  more: Readonly<Record<string, string | number>>,
) {
  const { seconds, warmup } = options;
  const itemsPerRequest = Number(more['batch-size'] ?? 1);
  return sampleLoad({
    stack,
    processes,
    folder: join(folder, name),
    options: { seconds, warmup, ...more },
    itemsPerRequest,
  });
}

/** Stores messages without the product. @param first number of the first one */
export function insertRaw({ stack }: Bench, amount: { seconds: number } | { rows: number }, first: number) {
  const [unit, value] = 'rows' in amount ? ['rows', amount.rows] : ['seconds', amount.seconds];
  return sampleScript(stack, new URL('./raw-insert.ts', import.meta.url), [unit, value, first]);
}
