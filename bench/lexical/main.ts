/**
 * What a search by words costs and finds, beside scoring every message: the figures of docs/adr/0015. Takes a server,
 * where it makes a database of its own and drops it again, and a chat file.
 *
 *   pnpm bench:lexical --file chats.json --url postgres://… [--messages 100000] [--queries 100]
 */
import { readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Schema } from '@memory-layer/shared/db/schema';
import { Kysely, PostgresDialect, sql, type RawBuilder } from 'kysely';
import { Pool } from 'pg';
import { median, quantile, rounded } from '../embedding/median.ts';
import { createScratchDatabase } from '../embedding/scratch-database.ts';
import { createRandom, shuffled } from '../load/random.ts';
import { readChats } from '../retrieval/read-chats.ts';
import { mixTurns } from '../vector-index/chat-vectors.ts';
import { openSession, type Session } from '../vector-index/session.ts';
import { exhaustive, overlap } from './compare.ts';
import { insertMessages, nameTenants, type Tenant } from './one-database.ts';
import {
  createLexicalIndex,
  createLexicalRepository,
  parseSearchText,
  planTenant,
  planWords,
  tenantSql,
  wordCandidates,
  type LexicalIndex,
  type LexicalQuery,
} from './search-by-words.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    url: { type: 'string', default: process.env['TEST_DATABASE_URL'] ?? '' },
    messages: { type: 'string', default: '100000' },
    queries: { type: 'string', default: '100' },
  },
});
if (values.file === undefined) throw new Error('give --file, a chat file in a format of bench/retrieval');
const large = Number(values.messages);
const limit = 200;

const filters: Readonly<Record<string, RawBuilder<boolean>>> = {
  none: sql<boolean>`true`,
  '50 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"half":0}')`,
  '5 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"twentieth":0}')`,
  '0.5 %': sql<boolean>`(m.metadata <> '{}' and m.metadata @> '{"rare":0}')`,
};

/** One connection for the query builder, with the settings of the session that is measured. */
function builderOver(url: string): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: url, max: 1 }) }) });
}

/** Groups of words of which each is in one message of ten to a hundred: what a search is slowest with. */
async function commonQueries(session: Session, tenantId: string, count: number): Promise<string[]> {
  const { rows } = await session.client.query<{ word: string }>(
    `select word from ts_stat($$select search_vector from message where tenant_id = '${tenantId}'$$)
     where length(word) > 2 order by ndoc desc, word limit 80`,
  );
  const random = createRandom(7);
  const words = rows.map((row) => row.word);
  return Array.from({ length: count }, (_, n) =>
    shuffled(words, random)
      .slice(0, 1 + (n % 6))
      .join(' '),
  );
}

/** The baseline: every message with any of the words, ranked as PostgreSQL does. */
function rankedByTsRank(tenantId: string, text: string, filter: RawBuilder<boolean>) {
  return sql`
    with words as materialized (
      select string_agg(quote_literal(word), ' | ')::tsquery as query
      from unnest(tsvector_to_array(to_tsvector('english', ${text}))) as word
    )
    select m.id from message m, words
    where m.tenant_id = ${tenantId} and m.search_vector @@ words.query and ${filter}
    order by ts_rank(m.search_vector, words.query) desc, m.id limit ${limit}`;
}

/** What was found of one query, beside the best of all. */
interface Compared {
  readonly found: number;
  readonly best: number;
  readonly ten: number;
  readonly all: number;
}

function candidatesOf(query: LexicalQuery, filter: RawBuilder<boolean>): RawBuilder<unknown> {
  const tenant = tenantSql(planTenant(query.tenantId, { messages: Infinity }));
  return wordCandidates({ words: planWords(query, limit), clauses: query.clauses, tenant, filter, limit });
}

async function measure(
  session: Session,
  index: LexicalIndex,
  db: Kysely<Schema>,
  tenant: Tenant,
  texts: readonly string[],
  name: string,
) {
  const filter = filters[name] ?? sql<boolean>`true`;
  const prepared = await Promise.all(texts.map((text) => index.prepare(tenant.tenantId, parseSearchText(text))));
  const statements = prepared.map((query) => candidatesOf(query, filter).compile(db));
  const times: number[] = [];
  const results: { id: string; lexical_score: number }[][] = [];
  for (const statement of statements) {
    const found = await session.client.query<{ id: string; lexical_score: number }>(statement.sql, [
      ...statement.parameters,
    ]);
    results.push(found.rows);
  }
  const before = session.used();
  const rounds = 3;
  for (let round = 0; round < rounds; round++) {
    for (const statement of statements) {
      const begun = performance.now();
      await session.client.query(statement.sql, [...statement.parameters]);
      times.push(performance.now() - begun);
    }
  }
  const cpu = ((session.used() - before) * 1000) / times.length;
  const plain = prepared.map((_, n) => rankedByTsRank(tenant.tenantId, texts[n] ?? '', filter).compile(db));
  const beforePlain = session.used();
  for (const statement of plain) await session.client.query(statement.sql, [...statement.parameters]);
  const cpuPlain = ((session.used() - beforePlain) * 1000) / plain.length;
  const compared: Compared[] = [];
  for (const [n, query] of prepared.entries()) {
    const best = await exhaustive(db, tenant.tenantId, query, filter, limit);
    const found = results[n] ?? [];
    compared.push({
      found: found.length,
      best: best.length,
      ten: overlap(found, best, 10),
      all: overlap(found, best, limit),
    });
  }
  const mean = (pick: (one: Compared) => number) =>
    rounded(compared.reduce((sum, one) => sum + pick(one), 0) / compared.length);
  return {
    messages: tenant.messages,
    filter: name,
    'CPU ms': rounded(cpu),
    'of ts_rank': rounded(cpuPlain),
    'ms p50': rounded(median(times)),
    'ms p95': rounded(quantile(times, 0.95)),
    'top 10': mean((one) => one.ten),
    'top 200': mean((one) => one.all),
    short: compared.filter((one) => one.found < one.best).length,
  };
}

const scratch = await createScratchDatabase(values.url);
const session = await openSession(scratch.url);
const db = builderOver(scratch.url);
try {
  const { chats } = readChats(JSON.parse(await readFile(values.file, 'utf8')));
  const sizes = [300, 3000, 10_000, large];
  const tenants = await nameTenants(session.client, sizes);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const texts = mixTurns(chats, total);
  let from = 0;
  for (const { tenantId, messages } of tenants) {
    await insertMessages(session.client, tenantId, texts.slice(from, from + messages), from);
    from += messages;
  }
  await session.client.query('vacuum analyze message');
  const index = createLexicalIndex({
    repository: createLexicalRepository(db),
    clock: { now: () => new Date() },
    onError: (error) => console.error(error),
  });
  const count = Number(values.queries);
  const asked = shuffled(
    chats.flatMap((chat) => chat.questions.map((question) => question.text)),
    createRandom(1),
  );
  const questions = asked.slice(0, count);
  for (const [kind, of] of [
    ['questions', undefined],
    ['common words', 'common'],
  ] as const) {
    const table = [];
    for (const tenant of tenants) {
      const queries =
        of === undefined ? questions : await commonQueries(session, tenants.at(-1)?.tenantId ?? '', count);
      for (const name of tenant.messages === large ? Object.keys(filters) : ['none']) {
        table.push(await measure(session, index, db, tenant, queries, name));
      }
    }
    console.log(
      `${kind}, the best ${limit}; load ${loadavg()
        .map((load) => load.toFixed(1))
        .join(' ')}`,
    );
    console.table(table);
  }
} finally {
  await db.destroy();
  await session.end();
  await scratch.drop();
}
