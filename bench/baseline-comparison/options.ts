import { parseArgs } from 'node:util';

export const usage = `The write path and searches beside their baselines.

  pnpm bench:baseline-comparison [options]

  --rows single,batch   rows to measure; all when not given, and none that takes more than a few minutes
  --runs 3              how often baseline and product take turns; medians are compared
  --seconds 5           length of a timed run
  --warmup 2            seconds before it, not counted
  --clients 100         clients of single posts
  --batch-clients 8     clients of batches
  --lines 200000        lines of the NDJSON stream
  --stored 500000       messages stored at the end of row growth
  --window 10000        messages of one step of row growth
  --samples 50          messages of row searchable
  --soak-seconds 600    length of row soak
  --search-large 100000   messages of the large tenant in search rows
  --search-messages 300000   messages of the many tenants in search rows
  --search-tenants 1000   how many those are
  --passages 1          embedding rows of a message in search rows, on average
  --nice 10             niceness of the embed worker
  --out FOLDER          where baseline-comparison.json, pictures and logs go; a new temporary folder when not given

Needs the build (pnpm build), and TEST_DATABASE_URL and TEST_REDIS_URL, as tooling/with-postgres.ts and
tooling/with-redis.ts set them. MEMORY_EMBEDDING_… variables reach the services.`;

export type ComparisonOptions = ReturnType<typeof parseComparisonOptions>;

/** @throws when an option is unknown or no number above 0 where it should be one. */
export function parseComparisonOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: 'string' },
      runs: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '2' },
      clients: { type: 'string', default: '100' },
      'batch-clients': { type: 'string', default: '8' },
      lines: { type: 'string', default: '200000' },
      stored: { type: 'string', default: '500000' },
      window: { type: 'string', default: '10000' },
      samples: { type: 'string', default: '50' },
      'soak-seconds': { type: 'string', default: '600' },
      'search-large': { type: 'string', default: '100000' },
      'search-messages': { type: 'string', default: '300000' },
      'search-tenants': { type: 'string', default: '1000' },
      passages: { type: 'string', default: '1' },
      nice: { type: 'string', default: '10' },
      out: { type: 'string' },
    },
  });
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
    return value;
  };
  return {
    rows: values.rows?.split(','),
    runs: number('runs'),
    seconds: number('seconds'),
    warmupSeconds: number('warmup'),
    clients: number('clients'),
    batchClients: number('batch-clients'),
    lines: number('lines'),
    stored: number('stored'),
    windowMessages: number('window'),
    samples: number('samples'),
    soakSeconds: number('soak-seconds'),
    searchLarge: number('search-large'),
    searchMessages: number('search-messages'),
    searchTenants: number('search-tenants'),
    passages: number('passages'),
    nice: number('nice'),
    out: values.out,
  } as const;
}
