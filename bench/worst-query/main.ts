/** What the costliest legal searches cost, kind by kind, beside a plain one: `pnpm bench:worst-query --help`. */
import { sql } from 'kysely';
import { readOptions } from '../harness/options.ts';
import { makeFolder } from '../harness/report.ts';
import { createStack } from '../harness/stack.ts';
import { median, quantile } from '../harness/statistics.ts';
import { loadNote, tableOf, type Line } from '../harness/table.ts';
import { storeLargeTenant, tenantId } from './large-tenant.ts';
import { measure, RefusedError, search, type Measured } from './measure.ts';
import { plain, shapesOf, type Shape } from './shapes.ts';

const about = `What the costliest legal searches cost, kind by kind, beside a plain one.

  pnpm bench:worst-query [options]

One tenant with messages of many kinds, vectors and an index segment, searched one after the other over HTTP. A query's
vector is not kept, so that each search pays for the model.`;

const { messages, runs, only } = readOptions(about, {
  messages: { number: 100_000, help: 'of the tenant' },
  runs: { number: 20, help: 'searches of a kind' },
  only: { text: '', help: 'kinds whose names hold this text' },
});
// A connection that ends takes the CPU time of its process with it.
const env = { MEMORY_SEARCH_VECTOR_CACHE_BYTES: '0', MEMORY_DATABASE_IDLE_TIMEOUT_MS: '3600000' };
await using stack = await createStack(await makeFolder(undefined, 'worst-query'), env);
await using api = await stack.start('api');
const target = { stack, api };

async function readVocabulary() {
  const words = sql.lit(`select search_vector from message where tenant_id = '${tenantId}' and id::text like '%0'`);
  const { rows } = await sql<{ word: string }>`
    select word from ts_stat(${words}) where length(word) > 1 and word ~ '^[a-z]+$'
    order by ndoc desc, word limit 3000`.execute(stack.db);
  const found = rows.map(({ word }) => word);
  return { common: found.slice(0, 60), rare: found.slice(1000) };
}

const tenths = (value: number): number => Math.round(value * 10) / 10;

function toLine(shape: string, one: Measured, baseline: Measured): Line {
  return {
    shape,
    'p50 ms': tenths(median(one.ms)),
    'p99 ms': tenths(quantile(one.ms, 0.99)),
    'times plain': tenths(median(one.ms) / median(baseline.ms)),
    'server CPU ms': tenths(one.serverCpuMs),
    'api CPU ms': tenths(one.apiCpuMs),
    'loop delay ms': tenths(one.loopDelayMs),
    hits: tenths(one.hits),
  };
}

async function measureLine(shape: Shape, baseline: Measured): Promise<Line> {
  try {
    return toLine(shape.name, await measure(target, shape, runs), baseline);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { shape: shape.name, refused: error.message };
  }
}

const begun = performance.now();
await storeLargeTenant(stack, messages);
console.error(`${messages} messages stored in ${Math.round((performance.now() - begun) / 1000)} s`);
const shapes = shapesOf(await readVocabulary()).filter(({ name }) => name.includes(only));
// Connections are made, statements prepared and the tenant's statistics known before anything is measured.
await Promise.all(Array.from({ length: 30 }, (_, n) => search(target, plain.body(1000 + n))));
const baseline = await measure(target, plain, runs);
const lines = [toLine(plain.name, baseline, baseline)];
for (const shape of [...shapes, { ...plain, name: 'plain, again' }]) {
  const line = await measureLine(shape, baseline);
  lines.push(line);
  console.error(Object.values(line).join('  '));
}
console.log(`${messages} messages, ${runs} searches of a kind; ${loadNote()}\n\n${tableOf(lines)}`);
