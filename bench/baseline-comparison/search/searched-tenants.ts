import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { manyTenants, populate, type Population } from '../../harness/populate.ts';
import { sum } from '../../harness/statistics.ts';
import type { Bench } from '../bench.ts';

/** The one large tenant. */
export const largeTenant = 'large';

const patienceMs = 1_800_000;
const quietMs = 8000;

/** Stores what is not stored: rows of one run share it. An api must have run before, for the embedding generation. */
async function ensurePopulated({ stack }: Bench, population: readonly Population[]): Promise<void> {
  const [first] = population;
  const found = await sql<{ n: number }>`
    select count(*)::int as n from message where tenant_id = ${first?.tenantId ?? ''}`.execute(stack.db);
  if (found.rows[0]?.n === first?.messages) return;
  const startedAt = performance.now();
  await populate(stack, population);
  const messages = sum(population.map((tenant) => tenant.messages));
  console.error(`${messages} messages stored in ${Math.round((performance.now() - startedAt) / 1000)} s`);
}

/** A tenant that is searched in memory. */
export const smallTenant = 'small';

export async function ensureSmall(bench: Bench): Promise<void> {
  await ensurePopulated(bench, [{ tenantId: smallTenant, messages: bench.options.searchSmall }]);
}

/** The many tenants. */
export async function ensureMany(bench: Bench): Promise<readonly Population[]> {
  const population = manyTenants(bench.options.searchTenants, bench.options.searchMessages);
  await ensurePopulated(bench, population);
  return population;
}

/** The large tenant with the index segments that the embed worker builds for it, as it would in production. */
export async function ensureLarge(bench: Bench): Promise<void> {
  const { stack, options } = bench;
  await ensurePopulated(bench, [{ tenantId: largeTenant, messages: options.searchLarge }]);
  await using worker = await stack.start('embed-worker', { env: { MEMORY_VECTOR_INDEX_INTERVAL_MS: '500' } });
  await untilIndexed(bench);
  await worker.stop();
  await sql`vacuum analyze embedding`.execute(stack.db);
}

async function untilIndexed({ stack }: Bench): Promise<void> {
  let quietSince = performance.now();
  let before = '';
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(500)) {
    const { rows } = await sql<{ state: string; vectors: string }>`
      select state, sum(vectors) as vectors from vector_index where tenant_id = ${largeTenant}
      group by state order by state`.execute(stack.db);
    const seen = JSON.stringify(rows);
    if (seen !== before || rows.some(({ state }) => state !== 'ready')) quietSince = performance.now();
    before = seen;
    // Rounds come twice a second: nothing is left to do after some without a change.
    if (performance.now() - quietSince > quietMs) return console.error(`index segments: ${seen}`);
  }
  throw new Error('the index segments were not built');
}
