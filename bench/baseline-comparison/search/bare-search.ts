/**
 * The baseline of searches in a closed loop: the statements that the product has sent, with their values, sent again
 * by plain `pg`, each client one search after the other, and nothing around it.
 *
 *   node bench/baseline-comparison/search/bare-search.ts DATABASE_URL STATEMENTS_FILE CLIENTS SECONDS WARMUP_SECONDS
 */
import { readFile } from 'node:fs/promises';
import { genericPlanSettings } from '@memory-layer/shared/db/prepared/prepared-pool';
import pg from 'pg';
import { Latencies } from '../../harness/latencies.ts';
import type { ScriptOutcome } from '../../harness/sample.ts';
import type { SentStatement } from './record-statements.ts';

const [url = '', file = '', clients = '20', seconds = '5', warmup = '2'] = process.argv.slice(2);
// Written by record-statements.ts; bytes are as Buffer.toJSON writes them.
const bytesAgain = (_: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
    ? Buffer.from(value.data as number[]) // oxlint-disable-line typescript/no-unsafe-type-assertion
    : value;
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const searches = JSON.parse(await readFile(file, 'utf8'), bytesAgain) as readonly (readonly SentStatement[])[];
// Names are those of the connection that was recorded: here one text has one name everywhere.
const names = new Map<string, string>();
const queries = searches.map((statements) =>
  statements.map(({ name, text, values = [] }) => ({
    text,
    values: [...values],
    ...(name !== undefined && { name: nameOf(text) }),
  })),
);

function nameOf(text: string): string {
  const name = names.get(text) ?? `s${names.size}`;
  names.set(text, name);
  return name;
}

// As the product's connections for such statements are set.
const settings = Object.entries({ jit: 'off', ...genericPlanSettings }).map(([name, value]) => `-c ${name}=${value}`);
const latencies = new Latencies();
const measureFrom = performance.now() + Number(warmup) * 1000;
const endAt = measureFrom + Number(seconds) * 1000;
let itemsInAll = 0;

async function run(number: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, options: settings.join(' ') });
  await client.connect();
  for (let next = number * 7; performance.now() < endAt; next++) {
    const startedAt = performance.now();
    for (const query of queries[next % queries.length] ?? []) await client.query(query);
    if (startedAt >= measureFrom) latencies.record(performance.now() - startedAt);
    itemsInAll += 1;
  }
  await client.end();
}

await Promise.all(Array.from({ length: Number(clients) }, (_, number) => run(number)));
const { user, system } = process.cpuUsage();
const outcome: ScriptOutcome = {
  items: latencies.count,
  itemsInAll,
  perSecond: latencies.count / Number(seconds),
  latencyMs: latencies.summary(),
  cpuSeconds: { script: (user + system) / 1e6 },
};
console.log(JSON.stringify(outcome));
