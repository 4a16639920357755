import { instantOf } from '@memory-layer/shared/time/instant';
import { startTestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type RawBuilder } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '@memory-layer/shared/retention/retention-policy';
import { createTenant, now } from '../testing/retention-fixture.ts';
import { archiveStatement, deleteStatement } from './batch.sql.ts';

const policy = resolvePolicy(undefined, {
  maxAgeDays: 30,
  ageOf: 'created',
  importanceThreshold: 0.35,
  deleteAfterDays: 90,
} as const);

let database: Awaited<ReturnType<typeof startTestDatabase>>;
let tenantId: string;

// A UUIDv7 of then.
const storedThen = sql`(lpad(to_hex((extract(epoch from ${now}::timestamptz - make_interval(hours => n)) * 1000)::bigint), 12, '0')
  || '7' || substr(md5(random()::text), 1, 19))::uuid`;

beforeAll(async () => {
  database = await startTestDatabase();
  ({ tenantId } = await createTenant(database.db));
  const { tenantId: otherId } = await createTenant(database.db);
  const columns = sql`tenant_id, id, conversation_id, role, content, metadata, importance, content_hash, created_at,
    updated_at, expires_at`;
  // One message an hour for more than four months; every hundredth has expired.
  const values = sql`owner, ${storedThen}, 'c-' || n % 50, 'user', 'words', '{}', n % 10 / 10.0, decode('00', 'hex'),
    ${now}::timestamptz - make_interval(hours => n), ${now},
    case when n % 100 = 0 then ${now}::timestamptz - make_interval(hours => n) end`;
  const rows = sql`generate_series(1, 3000) as n, unnest(${[tenantId, otherId]}::text[]) as owner`;
  await sql`insert into message (${columns}, search_language, search_vector)
    select ${values}, 'english 3', 'word:1' from ${rows}`.execute(database.db);
  await sql`insert into archived_message (${columns}, archived_at, archive_reason)
    select ${values}, ${now}::timestamptz - make_interval(hours => n), 'age' from ${rows}`.execute(database.db);
  await sql`analyze`.execute(database.db);
});
afterAll(async () => database.stop());

/** The plan as text, and its lines that read a table without an index. */
async function explain(statement: RawBuilder<unknown>) {
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${statement}`.execute(database.db);
  const lines = rows.map((row) => row['QUERY PLAN']);
  return {
    text: lines.join('\n'),
    seqScans: lines.filter((line) => /Seq Scan on (message|archived_message)/.test(line)),
  };
}

const request = { limit: 100, after: undefined, policy, cutoffs: cutoffsAt(policy, now) };

const byStoring = { ...request, policy: { ...policy, ageOf: 'stored' as const } };

test.each<[string, () => RawBuilder<unknown>, RegExp]>([
  [
    'created_at',
    () => archiveStatement({ ...request, tenantId, reason: 'age' }),
    /Index Scan using message_p\d+_tenant_id_created_at_id_idx/,
  ],
  [
    'the time of storing',
    () => archiveStatement({ ...byStoring, tenantId, reason: 'age' }),
    /Index Scan using message_p\d+_pkey on message_p\d+ message\b.*\s+Index Cond: .*id < '/,
  ],
  [
    'expiry',
    () => deleteStatement({ ...request, tenantId, what: 'expired' }),
    /Index Scan using message_p\d+_tenant_id_expires_at_idx/,
  ],
])('a batch by %s reads the index of its order, and removes by primary key', async (_by, statement, index) => {
  const { text, seqScans } = await explain(statement());
  expect(text).toMatch(index);
  expect(text).toMatch(/Index Scan using message_p\d+_pkey|Bitmap Index Scan on message_p\d+_pkey/);
  expect(seqScans).toEqual([]);
  expect(new Set(text.match(/message_p\d+/g)), 'one partition').toHaveProperty('size', 1);
});

test('no batch waits for a lock', () => {
  for (const reason of ['age', 'max_items'] as const) {
    expect(archiveStatement({ ...request, tenantId, reason }).compile(database.db).sql).toContain(
      'for update skip locked',
    );
  }
  for (const what of ['expired', 'expired-copies', 'old-copies'] as const) {
    expect(deleteStatement({ ...request, tenantId, what }).compile(database.db).sql).toContain(
      'for update skip locked',
    );
  }
});

test('a batch behind a position does not read the rows before it', async () => {
  const after = {
    at: instantOf(new Date(now.getTime() - 1000 * 3_600_000)),
    id: '00000000-0000-7000-8000-000000000000',
  };
  const { text } = await explain(archiveStatement({ ...request, tenantId, reason: 'age', after }));
  expect(text).toMatch(/Index Cond: .*ROW\(.*created_at, .*id\) > ROW\(/);
});

test.each([
  ['old-copies', /Index Scan using archived_message_archived_at_idx/],
  ['expired-copies', /Index Scan using archived_message_expires_at_idx/],
] as const)('a batch that deletes %s reads the index of the archive', async (what, index) => {
  const { text, seqScans } = await explain(deleteStatement({ ...request, tenantId, what }));
  expect(text).toMatch(index);
  expect(seqScans).toEqual([]);
});
