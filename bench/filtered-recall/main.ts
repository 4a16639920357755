/**
 * Whether a search by vector ever comes back short, and what it finds and costs: one database of 300 000 messages, in
 * which tenants of 1, 100, 1 000, 10 000 and 100 000 are searched under every kind of filter. Prints a table, and ends
 * with 1 when a cell has fewer hits than there are, or a recall@10 below 0.98. Takes a server, where it makes a
 * database of its own and drops it again, and a chat file.
 *
 *   pnpm bench:filtered-recall --file chats.json [--queries 50] [--limit 60] [--scale 1] [--passages one]
 *     [--cache FOLDER]
 */
import { readFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBundledEmbedder } from '@memory-layer/shared/embedding/bundled/bundled-embedder';
import { centreQuery, computeQueryCentre } from '@memory-layer/shared/embedding/query-centre/query-centre';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { createScratchDatabase } from '../embedding/scratch-database.ts';
import { nameTenants } from '../lexical/one-database.ts';
import { readChats } from '../retrieval/read-chats.ts';
import { embedAll, mixTurns } from '../vector-index/chat-vectors.ts';
import { openSession } from '../vector-index/session.ts';
import { filterCells } from './cells.ts';
import { measureCell, type CellResult } from './measure-cell.ts';
import { addTenant, buildSegments, generation, passageKinds, storeBase, type Tenant } from './one-database.ts';
import { createReadySegmentsRepository, createSegmentDirectory } from './search-by-vector.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    url: { type: 'string', default: process.env['TEST_DATABASE_URL'] ?? '' },
    queries: { type: 'string', default: '50' },
    limit: { type: 'string', default: '60' },
    passages: { type: 'string', default: 'one' },
    scale: { type: 'string', default: '1' },
    cache: { type: 'string', default: join(tmpdir(), 'memory-layer-bench') },
  },
});
if (values.file === undefined) throw new Error('give --file, a chat file in a format of bench/retrieval');
const passages = passageKinds.find((kind) => kind === values.passages);
if (passages === undefined) throw new Error(`--passages is ${passageKinds.join(' or ')}`);
const scale = Number(values.scale);
const limit = Number(values.limit);
const total = 300_000 * scale;
const sizes = [1, 100, 1000, 10_000 * scale, 100_000 * scale];
const fillers = 300;

/** Vectors of turns, and of questions as they are compared with turns. */
async function embedTexts(file: string) {
  const { chats } = readChats(JSON.parse(await readFile(file, 'utf8')));
  const embedder = createBundledEmbedder({ cacheDir: join(values.cache, 'models') });
  const texts = mixTurns(chats, 100_000 * scale);
  const base = await embedAll(embedder, texts, join(values.cache, `turns-${texts.length}.f32`));
  await embedder.start();
  const centre = await computeQueryCentre(embedder);
  const questions = chats.flatMap((chat) => chat.questions.map((question) => question.text));
  const every = Math.max(1, Math.floor(questions.length / Number(values.queries)));
  const asked = questions.filter((_, index) => index % every === 0).slice(0, Number(values.queries));
  const queries = (await embedder.embed(asked, { kind: 'query' })).map((vector) => centreQuery(vector, centre));
  await embedder.stop();
  return { base, queries };
}

function print(results: readonly CellResult[]): void {
  const heads = ['messages', 'filter', 'matching', 'shortest answer', 'recall@10, worst', 'mean', 'CPU ms', 'ms p50'];
  const lines = results.map((cell) => [
    cell.messages,
    cell.filter,
    cell.matching,
    cell.shortest,
    cell.worstRecall,
    cell.meanRecall,
    cell.cpuMs,
    cell.medianMs,
  ]);
  for (const line of [heads, heads.map(() => '---'), ...lines]) console.log(`| ${line.join(' | ')} |`);
}

const { base, queries } = await embedTexts(values.file);
const scratch = await createScratchDatabase(values.url);
const session = await openSession(scratch.url);
const db = scratch.database.queries;
try {
  await storeBase(session.client, base);
  // In one partition, beside some of the tenants that fill the rest.
  const tenants = await nameTenants(session.client, sizes);
  const rest = Math.ceil((total - sizes.reduce((a, b) => a + b, 0)) / fillers);
  const others = Array.from({ length: fillers }, (_, n): Tenant => ({ tenantId: `other-${n}`, messages: rest }));
  for (const [index, tenant] of [...tenants, ...others].entries()) {
    const offset = index === sizes.length - 1 ? 0 : index * 997;
    await addTenant(session.client, tenant, { offset, passages });
  }
  for (const table of ['message', 'embedding']) await session.client.query(`vacuum analyze ${table}`);
  console.error(`${total} messages stored`);
  for (const tenant of tenants) {
    const segments = await buildSegments(session.client, tenant, queries[0]?.length ?? 0);
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
  print(results);
  console.log(
    `${queries.length} questions, the best ${limit} of each, passages: ${passages}; load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  const wrong = results.filter((cell) => !cell.isRight);
  for (const cell of wrong) console.error('misses:', cell);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  await session.end();
  await scratch.drop();
}
