import {
  CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely';
import type { Schema } from '../db/schema.ts';

/** What the planner can know of a tenant with many messages before autovacuum comes round, or without it. */
export const staleStatistics = [
  'never analysed',
  'analysed when empty',
  'analysed with few messages',
  'analysed before the tenant came',
] as const;
export type StaleStatistics = (typeof staleStatistics)[number];

export const generation = 1;
const tables = sql`'message'::regclass, 'embedding'::regclass, 'embedding_pending'::regclass, 'archived_message'::regclass, 'tenant'::regclass, 'message_event'::regclass`;

export interface StaleTenant {
  readonly tenantId: string;
  /** Of some of its messages, all in one conversation, in their order. */
  readonly ids: readonly string[];
  /** Of messages. Every fourth is of the same conversation: `c-0` to `c-3`. */
  readonly count: number;
}

/** A tenant with a history, in a partition that others share, and statistics that know nothing of it. */
export async function createStaleTenant(db: Kysely<Schema>, statistics: StaleStatistics): Promise<StaleTenant> {
  const count = 2000;
  await eachTable(db, 'alter table %s set (autovacuum_enabled = off)');
  if (statistics === 'analysed when empty') await eachTable(db, 'analyze %s');
  const [tenantId = '', ...others] = await tenantsOfOnePartition(db);
  if (statistics === 'analysed with few messages') {
    await fill(db, tenantId, 20, 'first');
    await eachTable(db, 'analyze %s');
  }
  for (const other of others) await fill(db, other, count, 'of-another');
  if (statistics === 'analysed before the tenant came') await eachTable(db, 'analyze %s');
  await fill(db, tenantId, count, 'n');
  const { rows } = await sql<{ id: string }>`
    select id from message where tenant_id = ${tenantId} and conversation_id = 'c-1' order by created_at offset 100 limit 10`.execute(
    db,
  );
  return { tenantId, ids: rows.map(({ id }) => id), count };
}

async function eachTable(db: Kysely<Schema>, statement: string): Promise<void> {
  const { rows } = await sql<{ statement: string }>`
    select format(${statement}::text, oid::regclass) as statement from pg_class
    where relkind = 'r' and (oid in (${tables}) or oid in (select inhrelid from pg_inherits where inhparent in (${tables})))`.execute(
    db,
  );
  for (const row of rows) await sql.raw(row.statement).execute(db);
}

async function tenantsOfOnePartition(db: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from generate_series(1, 400) n, lateral (select 'tenant-' || n as name) named
    where satisfies_hash_partition('message'::regclass, 16, 5, name) order by n limit 6`.execute(db);
  return rows.map(({ name }) => name);
}

async function fill(db: Kysely<Schema>, tenantId: string, count: number, prefix: string): Promise<void> {
  const columns = sql`tenant_id, id, conversation_id, role, content, metadata, importance, external_id, content_hash,
    created_at, updated_at, expires_at`;
  const values = sql`${tenantId}, gen_random_uuid(), 'c-' || n % 4, 'user', 'words about subject' || n % 300,
    jsonb_build_object('n', n % 100), n % 10 / 10.0, ${prefix}::text || n, decode('00', 'hex'),
    now() - make_interval(hours => n), now(), case when n % 100 = 0 then now() - make_interval(hours => n) end`;
  await sql`insert into tenant (tenant_id) values (${tenantId}) on conflict do nothing`.execute(db);
  await sql`
    insert into message (${columns}, search_language, search_vector)
    select ${values}, 'english 3', to_tsvector('english', 'words about subject' || n % 300)
    from generate_series(1, ${count}::int) n`.execute(db);
  await sql`
    insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance, created_at)
    select tenant_id, id, ${sql.lit(generation)}, passage, array_fill(0.1, array[32])::vector::halfvec, conversation_id, role, importance,
           created_at
    from message, generate_series(0, 1) passage where tenant_id = ${tenantId} and external_id like ${`${prefix}%`}`.execute(
    db,
  );
  await sql`
    insert into embedding_pending (tenant_id, message_id, generation, content_hash)
    select tenant_id, id, ${sql.lit(generation)}, content_hash from message
    where tenant_id = ${tenantId} and external_id like ${`${prefix}%`}`.execute(db);
  await sql`
    insert into archived_message (${columns}, archived_at, archive_reason)
    select ${values}, now() - make_interval(hours => n), 'age' from generate_series(1, ${count}::int) n`.execute(db);
}

export interface StatementCost {
  readonly sql: string;
  /** Pages of tables and indexes that were read, from memory or not, with repeats. */
  readonly pages: number;
  readonly plan: string;
}

/** What the statements of a function read, without what they change: nothing is left of it. They find no rows before. */
export async function costOf(
  db: Kysely<Schema>,
  run: (db: Kysely<Schema>) => Promise<unknown>,
): Promise<StatementCost[]> {
  const driver = new RecordingDriver();
  const recording = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => driver,
      createIntrospector: (own) => new PostgresIntrospector(own),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
  await run(recording);
  const costs: StatementCost[] = [];
  for (const query of driver.queries) costs.push(await explain(db, query));
  return costs;
}

async function explain(db: Kysely<Schema>, query: CompiledQuery): Promise<StatementCost> {
  const transaction = await db.startTransaction().execute();
  try {
    const explained = CompiledQuery.raw(`explain (analyze, buffers, costs off, timing off) ${query.sql}`, [
      ...query.parameters,
    ]);
    const { rows } = await transaction.executeQuery<Record<string, unknown>>(explained);
    const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n');
    const [, hit = '0'] = /Buffers: shared(?: hit=(\d+))?/.exec(plan) ?? [];
    const [, read = '0'] = /Buffers: shared(?: hit=\d+)? read=(\d+)/.exec(plan) ?? [];
    return { sql: query.sql, pages: Number(hit) + Number(read), plan };
  } finally {
    await transaction.rollback().execute();
  }
}

class RecordingDriver extends DummyDriver {
  readonly queries: CompiledQuery[] = [];

  override acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve({
      executeQuery: <Row>(query: CompiledQuery): Promise<QueryResult<Row>> => {
        this.queries.push(query);
        return Promise.resolve({ rows: [] });
      },
      streamQuery: () => {
        throw new Error('no statement is streamed');
      },
    });
  }
}
