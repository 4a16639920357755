/**
 * Whether a search by vector ever comes back short, and what it finds and costs. Ends with 1 when a cell has fewer hits
 * than there are, or a recall@10 below 0.98. `pnpm bench:filtered-recall --file chats.json`
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { embedChats, readChatFile } from '../harness/chats.ts';
import { readOptions } from '../harness/options.ts';
import { createScratchDatabase } from '../harness/scratch-database.ts';
import { nameTenants } from '../harness/segments.ts';
import { openSession } from '../harness/session.ts';
import { sum } from '../harness/statistics.ts';
import { loadNote, tableOf } from '../harness/table.ts';
import { filterCells } from './cells.ts';
import { measureCell, type CellResult } from './measure-cell.ts';
import { addTenant, buildSegments, generation, passageKinds, storeBase } from './one-database.ts';
import { createReadySegmentsRepository, createSegmentDirectory } from '../harness/search-internals.ts';

const about = `Searches by vector under every kind of filter, of tenants of 1 to 100 000 messages beside 200 000 others.

  pnpm bench:filtered-recall --file chats.json [options]`;

const options = readOptions(about, {
  file: { text: undefined, help: 'chat file in a format of bench/retrieval' },
  url: { text: undefined, help: 'server, where a database is made and dropped again (TEST_DATABASE_URL)' },
  queries: { number: 50, help: 'questions' },
  limit: { number: 60, help: 'messages wanted' },
  passages: { text: 'one', help: 'vectors a message has: one, or several (2.55 in the mean)' },
  scale: { number: 1, help: 'of the numbers of messages from 10 000 on' },
  cache: { text: join(tmpdir(), 'memory-layer-bench'), help: 'folder of the model and of vectors' },
});
const { limit, scale } = options;
const passages = passageKinds.find((kind) => kind === options.passages);
if (passages === undefined) throw new Error(`--passages is ${passageKinds.join(' or ')}`);
const total = 300_000 * scale;
const sizes = [1, 100, 1000, 10_000 * scale, 100_000 * scale];
const fillers = 300;

const embedding = { turns: 100_000 * scale, questions: options.queries, cache: options.cache };
const { vectors, queries, dimension } = await embedChats(await readChatFile(options.file), embedding);
await using scratch = await createScratchDatabase(options.url);
await using session = await openSession(scratch.url);
const db = scratch.database.queries;
await storeBase(session.client, vectors);
// In one partition, beside some of the tenants that fill the rest.
const tenants = await nameTenants(session.client, sizes);
const messages = Math.ceil((total - sum(sizes)) / fillers);
const others = Array.from({ length: fillers }, (_, n) => ({ tenantId: `other-${n}`, messages }));
for (const [index, tenant] of [...tenants, ...others].entries()) {
  const offset = index === sizes.length - 1 ? 0 : index * 997;
  await addTenant(session.client, tenant, { offset, passages });
}
for (const table of ['message', 'embedding']) await session.client.query(`vacuum analyze ${table}`);
for (const tenant of tenants) {
  const segments = await buildSegments(session.client, tenant, dimension);
  console.error(`tenant of ${tenant.messages}: segments ${segments}`);
}
const repository = createReadySegmentsRepository(db);
const directory = createSegmentDirectory({ repository, clock: systemClock, onError: console.error });
const results: CellResult[] = [];
for (const tenant of tenants) {
  const segments = await directory.listReadySegments(tenant.tenantId, generation);
  for (const cell of filterCells(tenant.messages)) {
    results.push(await measureCell(session, db, { tenant, cell, segments, queries, limit }));
    console.error(results.at(-1));
  }
}
const wrong = results.filter((cell) => !cell.isRight);
console.log(tableOf(results.map(({ isRight: _, ...line }) => line)));
console.log(`\n${queries.length} questions, the best ${limit} of each, passages: ${passages}; ${loadNote()}`);
console.log(`${results.length} cells, ${wrong.length} of them short or below the recall that is wanted`);
process.exitCode = wrong.length > 0 ? 1 : 0;
