/**
 * What the costliest legal searches cost, kind by kind, beside a plain one: one tenant with messages of many kinds,
 * vectors and an index segment, searched one after the other over HTTP. The api runs as a release runs it, on a database
 * of its own; a query's vector is not kept, so that each search pays for the model.
 *
 *   pnpm bench:worst-query [--messages 100000] [--runs 20] [--only TEXT]
 */
import { mkdtemp } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { median, quantile } from '../embedding/median.ts';
import { createStack, type Stack } from '../baseline-comparison/stack.ts';
import { storeLargeTenant, tenantId } from './large-tenant.ts';
import { measure, RefusedError, search, type Measured, type Target } from './measure.ts';
import { plain, shapesOf, type Shape, type Vocabulary } from './shapes.ts';

type Line = Readonly<Record<string, string | number>>;

async function readVocabulary({ db }: Stack): Promise<Vocabulary> {
  const words = sql.lit(`select search_vector from message where tenant_id = '${tenantId}' and id::text like '%0'`);
  const { rows } = await sql<{ word: string }>`
    select word from ts_stat(${words}) where length(word) > 1 and word ~ '^[a-z]+$'
    order by ndoc desc, word limit 3000`.execute(db);
  const found = rows.map(({ word }) => word);
  return { common: found.slice(0, 60), rare: found.slice(1000) };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

function toLine(shape: string, one: Measured, baseline: Measured): Line {
  return {
    shape,
    'p50 ms': rounded(median(one.ms)),
    'p99 ms': rounded(quantile(one.ms, 0.99)),
    'times plain': rounded(median(one.ms) / median(baseline.ms)),
    'server CPU ms': rounded(one.serverCpuMs),
    'api CPU ms': rounded(one.apiCpuMs),
    'loop delay ms': rounded(one.loopDelayMs),
    hits: rounded(one.hits),
  };
}

async function measureLine(target: Target, shape: Shape, runs: number, baseline: Measured): Promise<Line> {
  try {
    return toLine(shape.name, await measure(target, shape, runs), baseline);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { shape: shape.name, refused: error.message };
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '100000' },
      runs: { type: 'string', default: '20' },
      only: { type: 'string', default: '' },
    },
  });
  const runs = Number(values.runs);
  const { TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl } = process.env;
  if (databaseUrl === undefined || redisUrl === undefined) {
    throw new Error('needs TEST_DATABASE_URL and TEST_REDIS_URL: see tooling/with-postgres.ts and with-redis.ts');
  }
  const folder = await mkdtemp(join(tmpdir(), 'memory-layer-worst-query-'));
  // A connection that ends takes the CPU time of its process with it.
  const env = { MEMORY_SEARCH_VECTOR_CACHE_BYTES: '0', MEMORY_DATABASE_IDLE_TIMEOUT_MS: '3600000' };
  await using stack = await createStack({ databaseUrl, redisUrl, folder, env });
  await using api = await stack.start('api');
  const target = { stack, api };
  const begun = performance.now();
  await storeLargeTenant(stack, Number(values.messages));
  console.error(`${values.messages} messages stored in ${Math.round((performance.now() - begun) / 1000)} s`);
  const shapes = shapesOf(await readVocabulary(stack)).filter(({ name }) => name.includes(values.only));
  // Connections are made, statements prepared and the tenant's statistics known before anything is measured.
  await Promise.all(Array.from({ length: 30 }, (_, n) => search(target, plain.body(1000 + n))));
  const baseline = await measure(target, plain, runs);
  const lines = [toLine(plain.name, baseline, baseline)];
  for (const shape of [...shapes, { ...plain, name: 'plain, again' }]) {
    const line = await measureLine(target, shape, runs, baseline);
    lines.push(line);
    console.error(Object.values(line).join('  '));
  }
  const load = loadavg().map((average) => average.toFixed(1));
  console.log(`${values.messages} messages, ${runs} searches of a kind; load ${load.join(' ')}`);
  console.table(lines);
}

await run();
