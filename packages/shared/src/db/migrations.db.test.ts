import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { migrationsFolder, listUnapplied, migrate } from './migrate.ts';
import type { TableShapes } from '../testing/table-shape.ts';

// Compiles only while it has every column of the table types, with a database type that fits.
const shapes: TableShapes = {
  tenant: {
    tenant_id: 'text not null',
    created_at: 'timestamptz not null',
    suspended_at: 'timestamptz null',
    max_messages: 'int8 null',
    max_bytes: 'int8 null',
    max_keys: 'int4 null',
    max_streams: 'int4 null',
    rate_requests: 'int4 null',
    rate_window_seconds: 'int4 null',
  },
  tenant_usage: {
    tenant_id: 'text not null',
    writer: 'text not null',
    messages: 'int8 not null',
    bytes: 'int8 not null',
    updated_at: 'timestamptz not null',
  },
  embedding_generation: {
    generation: 'int4 not null',
    model_id: 'text not null',
    dimension: 'int4 not null',
    state: 'text not null',
    query_centre: '_float4 null',
    created_at: 'timestamptz not null',
  },
  message: {
    tenant_id: 'text not null',
    id: 'uuid not null',
    conversation_id: 'text not null',
    role: 'text not null',
    content: 'text not null',
    metadata: 'jsonb not null',
    importance: 'float8 not null',
    external_id: 'text null',
    content_hash: 'bytea not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    expires_at: 'timestamptz null',
    search_language: 'text not null',
    search_vector: 'tsvector not null',
    search_passages: '_tsvector null',
  },
  search_language: {
    language: 'text not null',
    configuration: 'text not null',
    state: 'text not null',
    changed_at: 'timestamptz not null',
  },
  embedding: {
    tenant_id: 'text not null',
    message_id: 'uuid not null',
    generation: 'int4 not null',
    passage_no: 'int2 not null',
    vector: 'halfvec not null',
    conversation_id: 'text not null',
    role: 'text not null',
    importance: 'float8 not null',
    created_at: 'timestamptz not null',
    expires_at: 'timestamptz null',
  },
  embedding_pending: {
    tenant_id: 'text not null',
    message_id: 'uuid not null',
    generation: 'int4 not null',
    content_hash: 'bytea not null',
    state: 'text not null',
    attempts: 'int4 not null',
    due_at: 'timestamptz not null',
    leased_until: 'timestamptz null',
    last_error: 'text null',
    created_at: 'timestamptz not null',
    failed_at: 'timestamptz null',
  },
  conversation: {
    tenant_id: 'text not null',
    conversation_id: 'text not null',
    title: 'text null',
    metadata: 'jsonb not null',
    archived: 'bool not null',
    legal_hold: 'bool not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
  },
  archived_message: {
    tenant_id: 'text not null',
    id: 'uuid not null',
    conversation_id: 'text not null',
    role: 'text not null',
    content: 'text not null',
    metadata: 'jsonb not null',
    importance: 'float8 not null',
    external_id: 'text null',
    content_hash: 'bytea not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
    expires_at: 'timestamptz null',
    archived_at: 'timestamptz not null',
    archive_reason: 'text not null',
  },
  retention_policy: {
    tenant_id: 'text not null',
    max_age_days: 'int4 null',
    importance_threshold: 'float8 null',
    delete_after_days: 'int4 null',
    max_items: 'int4 null',
    match_mode: 'text null',
    age_of: 'text null',
    legal_hold: 'bool not null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
  },
  retention_rule: {
    tenant_id: 'text not null',
    rule_id: 'uuid not null',
    name: 'text not null',
    description: 'text null',
    rule_type: 'text not null',
    conditions: 'jsonb not null',
    action: 'text not null',
    priority: 'int4 not null',
    enabled: 'bool not null',
    last_applied_at: 'timestamptz null',
    created_at: 'timestamptz not null',
    updated_at: 'timestamptz not null',
  },
  retention_run: {
    tenant_id: 'text not null',
    run_id: 'uuid not null',
    state: 'text not null',
    actions: '_text not null',
    dry_run: 'bool not null',
    archived: 'int4 not null',
    deleted: 'int4 not null',
    error: 'text null',
    requested_at: 'timestamptz not null',
    started_at: 'timestamptz null',
    finished_at: 'timestamptz null',
  },
  idempotency_key: {
    tenant_id: 'text not null',
    idempotency_key: 'text not null',
    request_hash: 'bytea not null',
    answer: 'jsonb not null',
    created_at: 'timestamptz not null',
    expires_at: 'timestamptz not null',
  },
  api_key: {
    key_id: 'text not null',
    secret_hash: 'bytea not null',
    previous_secret_hash: 'bytea null',
    previous_valid_until: 'timestamptz null',
    name: 'text not null',
    tenant_ids: '_text null',
    scopes: '_text not null',
    rate_requests: 'int4 null',
    rate_window_seconds: 'int4 null',
    created_by: 'text not null',
    expires_at: 'timestamptz null',
    revoked_at: 'timestamptz null',
    rotated_at: 'timestamptz null',
    last_used_at: 'timestamptz null',
    created_at: 'timestamptz not null',
  },
  access_change: { one_row: 'bool not null', version: 'int8 not null' },
  message_event: {
    tenant_id: 'text not null',
    transaction_id: 'xid8 not null',
    event_id: 'int8 not null',
    event_type: 'text not null',
    message_ids: '_uuid not null',
    created_at: 'timestamptz not null',
  },
  message_event_pruned: { one_row: 'bool not null', transaction_id: 'xid8 not null', event_id: 'int8 not null' },
  vector_index: {
    tenant_id: 'text not null',
    generation: 'int4 not null',
    index_name: 'text not null',
    after_id: 'uuid not null',
    through_id: 'uuid not null',
    state: 'text not null',
    vectors: 'int4 not null',
    counted_at: 'timestamptz not null',
  },
  audit_event: {
    id: 'uuid not null',
    at: 'timestamptz not null',
    tenant_id: 'text null',
    actor_id: 'text null',
    actor_name: 'text null',
    action: 'text not null',
    object_type: 'text not null',
    object_id: 'text null',
    request_id: 'text null',
    address: 'text null',
    outcome: 'text not null',
    changes: 'jsonb not null',
  },
};

// Not a tenant's: shared by all, or the migrator's own.
const exempt = new Set([
  'embedding_generation',
  'api_key',
  'access_change',
  'audit_event',
  'message_event_pruned',
  'search_language',
  'schema_migration',
  'schema_migration_lock',
]);

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

describe('migrations', () => {
  test('applied twice change nothing the second time', async () => {
    expect(await listUnapplied(fixture.db, migrationsFolder)).toEqual([]);
    expect(await migrate(fixture.db, migrationsFolder)).toEqual({ applied: [] });
  });

  test('two migrators at once do not disturb one another', async () => {
    const outcomes = await Promise.all([migrate(fixture.db, migrationsFolder), migrate(fixture.db, migrationsFolder)]);
    expect(outcomes).toEqual([{ applied: [] }, { applied: [] }]);
  });

  test('make exactly the tables and columns of the table types', async () => {
    const { rows } = await sql<{ table: string; column: string; shape: string }>`
      select c.relname as table, a.attname as column,
             t.typname || case when a.attnotnull then ' not null' else ' null' end as shape
      from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and a.attnum > 0 and not a.attisdropped and c.relname not like 'schema_migration%'
    `.execute(fixture.db);
    const actual: Record<string, Record<string, string>> = {};
    for (const { table, column, shape } of rows) (actual[table] ??= {})[column] = shape;
    expect(actual).toEqual(shapes);
  });
});

describe('every table of a tenant could be distributed on tenant_id', () => {
  test('its primary, unique and foreign keys begin with tenant_id', async () => {
    const { rows } = await sql<{ table: string; key: string; first_column: string; refers_to: string | null }>`
      select c.relname as table, k.conname as key,
             (select attname from pg_attribute where attrelid = c.oid and attnum = k.conkey[1]) as first_column,
             (select attname from pg_attribute where attrelid = k.confrelid and attnum = k.confkey[1]) as refers_to
      from pg_constraint k join pg_class c on c.oid = k.conrelid
      where c.relnamespace = 'public'::regnamespace and not c.relispartition and k.contype in ('p', 'u', 'f')
      union all
      select c.relname, i.relname, (select attname from pg_attribute where attrelid = c.oid and attnum = x.indkey[0]), null
      from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
      where c.relnamespace = 'public'::regnamespace and not c.relispartition and x.indisunique
    `.execute(fixture.db);
    const keys = rows.filter((row) => !exempt.has(row.table));
    expect(new Set(keys.map((row) => row.table)).size).toBe(Object.keys(shapes).length - 6);
    expect(keys.filter((row) => row.first_column !== 'tenant_id')).toEqual([]);
    expect(keys.filter((row) => row.refers_to !== null && row.refers_to !== 'tenant_id')).toEqual([]);
  });

  test('no table is without a primary key', async () => {
    const { rows } = await sql<{ table: string }>`
      select relname as table from pg_class c
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and not exists (select from pg_constraint where conrelid = c.oid and contype = 'p')
    `.execute(fixture.db);
    expect(rows.map((row) => row.table).filter((table) => !exempt.has(table))).toEqual([]);
  });
});
