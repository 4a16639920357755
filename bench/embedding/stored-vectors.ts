import { setTimeout as sleep } from 'node:timers/promises';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';

/** Ids of stored vectors are below it; random ids are above, but for one in four thousand millions. */
export const firstRandomId = '00000001-0000-0000-0000-000000000000';

const batch = 5000;
const pollMs = 500;
const patienceMs = 600_000;

/**
 * Gives a tenant `count` vectors, of length 1 and random direction: what a graph costs depends little on them. As with
 * ids of the api, those of later messages are larger.
 */
export async function storeVectors(
  db: Kysely<Schema>,
  tenantId: string,
  generation: number,
  count: number,
): Promise<void> {
  const { dimension } = await db
    .selectFrom('embedding_generation')
    .select('dimension')
    .where('generation', '=', generation)
    .executeTakeFirstOrThrow();
  for (let first = 0; first < count; first += batch) {
    await sql`
      insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                             created_at)
      select ${tenantId}, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ${generation}::int, 0,
             l2_normalize(array(select (random() - 0.5 + 0 * n)::real from generate_series(1, ${dimension}::int))::halfvec),
             'chat', 'user', 0.233, now()
      from generate_series(${first}::int, ${Math.min(count, first + batch) - 1}::int) as n
    `.execute(db);
  }
  await sql`analyze embedding`.execute(db);
}

/** Waits until ready segments hold `vectors` vectors. @throws after ten minutes. */
export async function untilIndexed(db: Kysely<Schema>, vectors: number): Promise<void> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await sleep(pollMs)) {
    const rows = await db.selectFrom('vector_index').select('vectors').where('state', '=', 'ready').execute();
    if (rows.reduce((sum, row) => sum + row.vectors, 0) >= vectors) return;
  }
  throw new Error('the index is not built');
}
