/**
 * The baseline of batches and streams: rows into the same two tables by one prepared multi-row statement, 100 rows
 * at a time over 4 connections, and nothing around it. Also how a backlog is made.
 *
 *   node bench/baseline-comparison/raw-insert.ts DATABASE_URL seconds|rows NUMBER FIRST_MESSAGE
 */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { createMessages } from '../harness/messages.ts';
import type { ScriptOutcome } from '../harness/sample.ts';

const connections = 4;
const rowsOfStatement = 100;
const warmupStatements = 10;
const importanceOfRole = 0.233;

const [url = '', unit = 'seconds', amount = '5', first = '0'] = process.argv.slice(2);
const messages = createMessages(8);
let number = Number(first);

const statement = `
  with stored as (
    insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                         created_at, updated_at, search_language, search_vector)
    select t.tenant_id, t.id, t.conversation_id, t.role, t.content, '{}', ${importanceOfRole}, t.content_hash, $7, $7,
           'english 3', to_tsvector('english', t.content)
    from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
      as t (tenant_id, id, conversation_id, role, content, content_hash)
  )
  insert into embedding_pending (tenant_id, message_id, generation, content_hash)
  select t.tenant_id, t.id, $8::int, t.content_hash
  from unnest($1::text[], $2::uuid[], $6::bytea[]) as t (tenant_id, id, content_hash)`;

function values(generation: number): unknown[] {
  const rows = Array.from({ length: rowsOfStatement }, () => messages(number++));
  return [
    rows.map((row) => row.tenant_id),
    rows.map(() => uuidv7()),
    rows.map((row) => row.conversation_id),
    rows.map((row) => row.role),
    rows.map((row) => row.content),
    rows.map((row) => createHash('sha256').update(row.content).digest()),
    new Date(),
    generation,
  ];
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

const clients = await Promise.all(Array.from({ length: connections }, connect));
const active = await clients[0]?.query<{ generation: number }>(
  `select generation from embedding_generation where state = 'active'`,
);
const generation = active?.rows[0]?.generation;
if (generation === undefined) throw new Error('no active generation: start an api on this database first');
await clients[0]?.query(
  'insert into tenant (tenant_id) select $1 || n from generate_series(0, 7) n on conflict do nothing',
  ['load-'],
);

/** Every connection inserts until `mayGoOn` says no. */
async function insert(mayGoOn: () => boolean): Promise<number> {
  let statements = 0;
  const loops = clients.map(async (client) => {
    while (mayGoOn()) {
      statements += 1;
      await client.query({ name: 'insert', text: statement, values: values(generation ?? 0) });
    }
  });
  await Promise.all(loops);
  return statements * rowsOfStatement;
}

function atMost(statements: number): () => boolean {
  let left = statements;
  return () => left-- > 0;
}

// A number of rows is exact: no warm-up beside it.
if (unit === 'seconds') await insert(atMost(warmupStatements));
const usedBefore = process.cpuUsage();
const startedAt = performance.now();
const endsAt = startedAt + Number(amount) * 1000;
const rows = await insert(
  unit === 'seconds' ? () => performance.now() < endsAt : atMost(Number(amount) / rowsOfStatement),
);
const seconds = (performance.now() - startedAt) / 1000;
const { user, system } = process.cpuUsage(usedBefore);
await Promise.all(clients.map((client) => client.end()));

const cpuSeconds = { script: (user + system) / 1e6 };
console.log(
  JSON.stringify({ items: rows, itemsInAll: rows, perSecond: rows / seconds, cpuSeconds } satisfies ScriptOutcome),
);
