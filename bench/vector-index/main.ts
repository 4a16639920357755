/**
 * What an index of one large tenant costs, and what a search finds and costs with it: the figures of
 * docs/adr/0011. Takes a server, where it makes a database of its own and drops it again, and a chat file.
 *
 *   pnpm bench:vector-index --file chats.json --url postgres://… [--vectors 100000] [--cache FOLDER]
 */
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBundledEmbedder } from '@memory-layer/shared/embedding/bundled/bundled-embedder';
import { centreQuery, computeQueryCentre } from '@memory-layer/shared/embedding/query-centre/query-centre';
import { rounded } from '../embedding/median.ts';
import { createScratchDatabase } from '../embedding/scratch-database.ts';
import { parseLocomo } from '../retrieval/locomo.ts';
import { embedAll, mixTurns } from './chat-vectors.ts';
import { addRows, buildSegment, dropSegment, segmentOf, type NumberRange } from './indexing-cost.ts';
import { idAt, insertVectors } from './one-tenant.ts';
import { measureSearch, recall } from './search-cost.ts';
import { openSession, type Session } from './session.ts';

const { values } = parseArgs({
  options: {
    file: { type: 'string' },
    url: { type: 'string', default: process.env['TEST_DATABASE_URL'] ?? '' },
    vectors: { type: 'string', default: '100000' },
    cache: { type: 'string', default: join(tmpdir(), 'memory-layer-bench') },
  },
});
if (values.file === undefined) throw new Error('give --file, a chat file in LoCoMo format');
const count = Number(values.vectors);
const tenth = count / 10;
const added = 1000;
const small = { m: 8, efConstruction: 32 };
const large = { m: 16, efConstruction: 32 };
const usual = { m: 16, efConstruction: 64 };
const whole: NumberRange = { from: 0, through: count };

/** Ranges side by side, in tenths of the whole. */
const split = (...tenths: readonly number[]): NumberRange[] =>
  tenths.map((size, index) => {
    const from = tenths.slice(0, index).reduce((a, b) => a + b, 0) * tenth;
    return { from, through: from + size * tenth };
  });

const nameOf = ({ m, efConstruction }: typeof small) => `m ${m}, ef_construction ${efConstruction}`;

async function compareIndexing(session: Session, fresh: readonly Float32Array[], dimension: number) {
  const plain = await addRows(session, fresh, count + 1);
  const rows: Record<string, string | number>[] = [];
  const say = (what: string, cpuMs: number) => {
    rows.push({ what, 'CPU ms a vector': rounded(cpuMs), 'times a plain insert': rounded(cpuMs / plain) });
    console.error(rows.at(-1));
  };
  say('plain insert of message and vector', plain);
  const builtAtOnce = async (range: NumberRange, size: number, graph: typeof small) =>
    say(`built at once, ${size}, ${nameOf(graph)}`, await buildSegment(session, range, { ...graph, dimension }));
  for (const graph of [small, usual]) {
    // Reaches beyond what is there, so that new rows come into it.
    const open: NumberRange = { from: 0, through: 2 * count };
    await builtAtOnce(open, count, graph);
    say(`row by row into that index, ${nameOf(graph)}`, (await addRows(session, fresh, count + 1)) - plain);
    await dropSegment(session, open);
  }
  await builtAtOnce(whole, count, large);
  await dropSegment(session, whole);
  for (const graph of [small, large]) {
    for (const range of [...split(1), ...split(3)]) {
      await builtAtOnce(range, range.through, graph);
      await dropSegment(session, range);
    }
  }
  say('plain insert again', await addRows(session, fresh, count + 1));
  console.table(rows);
}

async function compareSearch(session: Session, queries: readonly Float32Array[], dimension: number) {
  const throughId = idAt(count);
  const exact = await measureSearch(session, queries, { segments: [], throughId, ef: 40, limit: 200 });
  const rows: Record<string, string | number>[] = [
    {
      what: `exact, ${count}`,
      'recall@10': 1,
      'recall@50': 1,
      'CPU ms': rounded(exact.cpuMs),
      'p50 ms': rounded(exact.p50Ms),
    },
  ];
  for (const part of [0.25, 0.5, 1]) {
    const end = idAt(tenth * part);
    const cost = await measureSearch(session, queries, { segments: [], throughId: end, ef: 40, limit: 200 });
    rows.push({ what: `exact, ${tenth * part}`, 'CPU ms': rounded(cost.cpuMs), 'p50 ms': rounded(cost.p50Ms) });
  }
  const layouts = [
    { name: 'one segment', ranges: [whole] },
    { name: '9 + 1 tenths', ranges: split(9, 1) },
    { name: '6 + 3 + 1 tenths', ranges: split(6, 3, 1) },
    { name: '3 + 3 + 1 + 1 + 1 + 1 tenths', ranges: split(3, 3, 1, 1, 1, 1) },
  ];
  for (const { name, ranges } of layouts) {
    const cost = await buildAll(session, ranges, dimension);
    for (const ef of [100, 200, 400]) {
      const segments = ranges.map(segmentOf);
      const found = await measureSearch(session, queries, { segments, throughId, ef, limit: Math.min(ef, 200) });
      rows.push({
        what: `${name}, ef_search ${ef}`,
        'indexes used': found.indexesUsed,
        'recall@10': rounded(recall(found.found, exact.found, 10)),
        'recall@50': rounded(recall(found.found, exact.found, 50)),
        'CPU ms': rounded(found.cpuMs),
        'of exact': rounded(found.cpuMs / exact.cpuMs),
        'p50 ms': rounded(found.p50Ms),
      });
      console.error(rows.at(-1));
    }
    console.error(`${name}: ${rounded(cost)} CPU ms a vector`);
    for (const range of ranges) await dropSegment(session, range);
  }
  console.table(rows);
}

/** As the embed worker builds them. @returns CPU milliseconds a vector. */
async function buildAll(session: Session, ranges: readonly NumberRange[], dimension: number): Promise<number> {
  let total = 0;
  for (const range of ranges) {
    const size = range.through - range.from;
    total += size * (await buildSegment(session, range, { ...(size < 50_000 ? small : large), dimension }));
  }
  return total / count;
}

const chats = parseLocomo(JSON.parse(await readFile(values.file, 'utf8')));
const embedder = createBundledEmbedder({ cacheDir: join(values.cache, 'models') });
const { dimension } = embedder;
const texts = mixTurns(chats, count + added);
const vectors = await embedAll(embedder, texts, join(values.cache, `turns-${texts.length}.f32`));
await embedder.start();
const centre = await computeQueryCentre(embedder);
const questions = chats.flatMap((chat) => chat.questions.map((question) => question.text));
const asked = questions.filter((_, index) => index % Math.ceil(questions.length / 100) === 0);
const queries = (await embedder.embed(asked, { kind: 'query' })).map((vector) => centreQuery(vector, centre));
await embedder.stop();

const scratch = await createScratchDatabase(values.url);
const session = await openSession(scratch.url);
try {
  await insertVectors(session.client, vectors.slice(0, count), 1);
  await session.client.query('vacuum analyze embedding');
  await compareSearch(session, queries, dimension);
  await compareIndexing(session, vectors.slice(count), dimension);
} finally {
  await session.end();
  await scratch.drop();
}
