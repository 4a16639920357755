import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { segmentIndexName, type IndexSegment } from '@memory-layer/shared/vector-index/segment-index';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createReadySegmentsRepository } from '../stats/ready-segments.repository.ts';
import {
  addMessages,
  allByDistance,
  buildSegment,
  dropSegment,
  generation,
  idOf,
  known,
  nearestStatement,
  segmentOf,
} from './testing/vectors.ts';

const tenantId = 'large';
const count = 1500;
let database: TestDatabase;
let nearest: string[];
beforeAll(async () => {
  database = await startTestDatabase();
  await addMessages(database.db, tenantId, count);
  nearest = await allByDistance(database.db, tenantId);
});
afterAll(() => database.stop());

async function setState(segment: IndexSegment, state: 'building' | 'ready' | 'dropping'): Promise<void> {
  await sql`
    insert into vector_index (tenant_id, generation, index_name, after_id, through_id, state, vectors)
    values (${tenantId}, ${generation}, ${segmentIndexName(segment)}, ${segment.afterId}, ${segment.throughId}, ${state}, 1000)
    on conflict (tenant_id, generation, index_name) do update set state = excluded.state
  `.execute(database.db);
}

async function removeRow(segment: IndexSegment): Promise<void> {
  await sql`delete from vector_index where index_name = ${segmentIndexName(segment)}`.execute(database.db);
}

const listSegments = () => createReadySegmentsRepository(database.db).listSegments(tenantId, generation);

async function expectRight(ranges: Awaited<ReturnType<typeof listSegments>>): Promise<void> {
  const { rows } = await nearestStatement({ tenantId, limit: 100, segments: known(ranges, count) }).execute(
    database.db,
  );
  const ids = new Set(rows.map((row) => row.id));
  expect(ids.size).toBe(100);
  expect(nearest.slice(0, 10).filter((id) => ids.has(id)).length).toBeGreaterThanOrEqual(9);
}

/** One after the other what the maintainer does: two segments, joined into one, which goes in the end. */
async function live(afterEach: () => Promise<void>): Promise<void> {
  const [older, newer, whole] = [
    segmentOf(tenantId, 0, 700),
    segmentOf(tenantId, 700, 1400),
    segmentOf(tenantId, 0, 1400),
  ];
  const build = async (segment: IndexSegment) => {
    await setState(segment, 'building');
    await afterEach();
    await buildSegment(database.db, segment);
    await afterEach();
  };
  const drop = async (segment: IndexSegment) => {
    await setState(segment, 'dropping');
    await afterEach();
    await dropSegment(database.db, segment);
    await removeRow(segment);
    await afterEach();
  };
  for (const segment of [older, newer]) {
    await build(segment);
    await setState(segment, 'ready');
    await afterEach();
  }
  await build(whole);
  // One statement in the maintainer's own repository: here the list may be seen in between, and that is right too.
  await setState(older, 'dropping');
  await setState(newer, 'dropping');
  await setState(whole, 'ready');
  await afterEach();
  await drop(older);
  await drop(newer);
  await drop(whole);
}

describe('search is right in every phase of an index', () => {
  test('with the list of the moment, and with every list that was true before', async () => {
    const lists = [await listSegments()];
    await live(async () => {
      lists.push(await listSegments());
      for (const list of lists) await expectRight(list);
    });
    expect(Math.max(...lists.map((list) => list.length))).toBe(2);
    expect(await listSegments()).toEqual([]);
  });

  test('with an index whose build has broken off', async () => {
    const segment = segmentOf(tenantId, 0, 1000);
    await buildSegment(database.db, segment);
    await sql`update pg_index set indisvalid = false where indexrelid = ${segmentIndexName(segment)}::regclass`.execute(
      database.db,
    );
    await expectRight([{ ...segment, vectors: 1000 }]);
    await dropSegment(database.db, segment);
  });

  test('with messages that are deleted and embedded late under a finished index', async () => {
    const segment = segmentOf(tenantId, 0, 1400);
    await buildSegment(database.db, segment);
    await sql`update embedding set vector = '[0.3,-0.1,0.5,0.2,-0.4,0.1,0.7,0.2]' where message_id = ${idOf(77)}`.execute(
      database.db,
    );
    const gone = nearest.slice(0, 5);
    await sql`delete from message where id = any(${gone}::uuid[])`.execute(database.db);
    nearest = await allByDistance(database.db, tenantId);
    expect(nearest[0]).toBe(idOf(77));
    await expectRight([{ ...segment, vectors: 1000 }]);
    await dropSegment(database.db, segment);
  });
});

describe('on a server', () => {
  beforeEach((context) => {
    context.skip(database.engine === 'embedded', 'the embedded database does one thing at a time');
  });

  test('searches that run while indexes are built, joined and dropped neither fail nor miss', async () => {
    const maintaining = new AbortController();
    let searches = 0;
    const first = await listSegments();
    const searching = async () => {
      const lists = [first];
      while (!maintaining.signal.aborted) {
        lists.push(await listSegments());
        for (const list of nonEmpty(lists.slice(-3))) await expectRight(list);
        searches += 1;
      }
    };
    const keeping = async () => {
      try {
        for (let round = 0; round < 4; round++) await live(async () => undefined);
      } finally {
        maintaining.abort();
      }
    };
    await Promise.all([keeping(), searching(), searching(), searching()]);
    expect(searches).toBeGreaterThan(30);
  });
});
