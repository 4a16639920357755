/**
 * What a search by words costs and finds, beside scoring every message: the figures of docs/adr/0015.
 * `pnpm bench:lexical --file chats.json`
 */
import type { Schema } from '@memory-layer/shared/db/schema';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { mixTurns, questionsOf, readChatFile } from '../harness/chats.ts';
import { readOptions } from '../harness/options.ts';
import { createRandom, shuffled } from '../harness/random.ts';
import { createScratchDatabase } from '../harness/scratch-database.ts';
import { nameTenants } from '../harness/segments.ts';
import { openSession, type Session } from '../harness/session.ts';
import { sum } from '../harness/statistics.ts';
import { loadNote, tableOf, type Line } from '../harness/table.ts';
import { filters, limit, measureFilter } from './measure-filter.ts';
import { createLexicalIndex, createLexicalRepository } from '../harness/search-internals.ts';

const about = `What a search by words costs and finds, beside scoring every message and beside ts_rank.

  pnpm bench:lexical --file chats.json [options]`;

const options = readOptions(about, {
  file: { text: undefined, help: 'chat file in a format of bench/retrieval' },
  url: { text: undefined, help: 'server, where a database is made and dropped again (TEST_DATABASE_URL)' },
  messages: { number: 100_000, help: 'of the largest tenant' },
  queries: { number: 100, help: 'questions, and groups of common words' },
});
const sizes = [300, 3000, 10_000, options.messages];

/** Stores the texts as messages of the tenant, `from` being the number of the first. */
async function insertMessages({ client }: Session, tenantId: string, texts: readonly string[], from: number) {
  for (let start = 0; start < texts.length; start += 500) {
    // Of every 200 messages half, a twentieth and one have a mark in their metadata.
    await client.query(
      `insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                            created_at, updated_at, search_language, search_vector)
       select $1, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'c' || n / 50 % 200, 'user', content,
              jsonb_build_object('half', n * 7 % 2, 'twentieth', n * 7 % 20, 'rare', n * 7 % 200),
              0.2, '', now() - make_interval(secs => 1000000 - n), now(), 'english 2', to_tsvector('english', content)
       from unnest($2::text[]) with ordinality as given (content, nth), lateral (select ($3 + nth)::int as n) numbered`,
      [tenantId, texts.slice(start, start + 500), from + start],
    );
  }
}

/** Groups of words of which each is in one message of ten to a hundred: what a search is slowest with. */
async function commonQueries({ client }: Session, tenantId: string): Promise<string[]> {
  const { rows } = await client.query<{ word: string }>(
    `select word from ts_stat($$select search_vector from message where tenant_id = '${tenantId}'$$)
     where length(word) > 2 order by ndoc desc, word limit 80`,
  );
  const random = createRandom(7);
  const words = rows.map((row) => row.word);
  const group = (n: number): string =>
    shuffled(words, random)
      .slice(0, 1 + (n % 6))
      .join(' ');
  return Array.from({ length: options.queries }, (_, n) => group(n));
}

const chats = await readChatFile(options.file);
await using scratch = await createScratchDatabase(options.url);
await using session = await openSession(scratch.url);
// One connection, with the settings of the session that is measured.
const pool = new Pool({ connectionString: scratch.url, max: 1 });
await using db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
const tenants = await nameTenants(session.client, sizes);
const texts = mixTurns(chats, sum(sizes));
let from = 0;
for (const { tenantId, messages } of tenants) {
  await insertMessages(session, tenantId, texts.slice(from, from + messages), from);
  from += messages;
}
await session.client.query('vacuum analyze message');
const index = createLexicalIndex({
  repository: createLexicalRepository(db),
  clock: { now: () => new Date() },
  onError: (error) => console.error(error),
});
const kinds = {
  questions: shuffled(questionsOf(chats), createRandom(1)).slice(0, options.queries),
  'common words': await commonQueries(session, tenants.at(-1)?.tenantId ?? ''),
};
for (const [kind, queries] of Object.entries(kinds)) {
  const lines: Line[] = [];
  for (const tenant of tenants) {
    for (const filter of tenant.messages === options.messages ? Object.keys(filters) : ['none']) {
      lines.push(await measureFilter({ session, index, db, tenant }, queries, filter));
    }
  }
  console.log(`${kind}, the best ${limit}; ${loadNote()}\n\n${tableOf(lines)}\n`);
}
