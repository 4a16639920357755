import { expect, test } from 'vitest';
import { allIds } from './id-range.ts';
import { segmentIndexName, segmentIndexPattern } from './segment-index.ts';
import { createSegmentIndexStatement } from './segment-index.sql.ts';

const segment = { tenantId: 'acme', generation: 1, ...allIds };

test('a segment has one name, and every other segment another', () => {
  const others = [
    { ...segment, tenantId: 'acme2' },
    { ...segment, generation: 2 },
    { ...segment, afterId: '01900000-0000-7000-8000-000000000000' },
    { ...segment, throughId: '01900000-0000-7000-8000-000000000000' },
  ];
  const names = [segment, ...others].map(segmentIndexName);
  expect(new Set(names).size).toBe(5);
  for (const name of names) expect(name).toMatch(segmentIndexPattern);
  expect(segmentIndexName({ ...segment })).toBe(names[0]);
});

test('the statement that builds it', () => {
  const statement = createSegmentIndexStatement(segment, {
    m: 8,
    efConstruction: 32,
    dimension: 512,
    partition: 'embedding_p3',
  });
  expect(statement).toBe(
    `create index concurrently "${segmentIndexName(segment)}" on embedding_p3 ` +
      'using hnsw ((vector::halfvec(512)) halfvec_cosine_ops) with (m = 8, ef_construction = 32) ' +
      "where tenant_id = 'acme' and generation = 1 " +
      "and message_id > '00000000-0000-0000-0000-000000000000'::uuid " +
      "and message_id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid",
  );
});
