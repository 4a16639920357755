/**
 * What an index of one large tenant costs, and what a search finds and costs with it: the figures of
 * docs/adr/0011. `pnpm bench:vector-index --file chats.json`
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embedChats, readChatFile } from '../harness/chats.ts';
import { readOptions } from '../harness/options.ts';
import { createScratchDatabase } from '../harness/scratch-database.ts';
import { openSession } from '../harness/session.ts';
import { loadNote, tableOf } from '../harness/table.ts';
import { compareIndexing } from './indexing.ts';
import { insertVectors } from './one-tenant.ts';
import { compareSearch } from './searching.ts';

const about = `What an index of one large tenant costs, and what a search finds and costs with it.

  pnpm bench:vector-index --file chats.json [options]`;

const options = readOptions(about, {
  file: { text: undefined, help: 'chat file in a format of bench/retrieval' },
  url: { text: undefined, help: 'server, where a database is made and dropped again (TEST_DATABASE_URL)' },
  vectors: { number: 100_000, help: 'of the tenant' },
  cache: { text: join(tmpdir(), 'memory-layer-bench'), help: 'folder of the model and of vectors' },
});
const count = options.vectors;
const added = 1000;

const chats = await readChatFile(options.file);
const embedded = await embedChats(chats, { turns: count + added, questions: 100, cache: options.cache });
const { vectors, queries, dimension } = embedded;
await using scratch = await createScratchDatabase(options.url);
await using session = await openSession(scratch.url);
await insertVectors(session.client, vectors.slice(0, count), 1);
await session.client.query('vacuum analyze embedding');
console.log(tableOf(await compareSearch(session, queries, { count, dimension })));
console.log(`\n${tableOf(await compareIndexing(session, vectors.slice(count), { count, dimension }))}`);
console.log(`\n${count} vectors, ${queries.length} questions; ${loadNote()}`);
