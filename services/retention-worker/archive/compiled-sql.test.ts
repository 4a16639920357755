import { compiledSql } from '@memory-layer/shared/testing/compiled-sql';
import { instantOf } from '@memory-layer/shared/time/instant';
import { expect, test } from 'vitest';
import { cutoffsAt, resolvePolicy } from '@memory-layer/shared/retention/retention-policy';
import type { ArchiveRequest, Position } from './batch.ts';
import { archiveBatch, deleteBatch } from './batch.sql.ts';
import { countDue } from './count-due.sql.ts';

const now = new Date('2026-01-01T00:00:00Z');
const policy = {
  ...resolvePolicy(undefined, {
    maxAgeDays: 30,
    ageOf: 'created',
    importanceThreshold: 0.35,
    deleteAfterDays: 90,
  } as const),
  maxItems: 1000,
};
const scope = { tenantId: 'acme', policy, cutoffs: cutoffsAt(policy, now) };
const position: Position = { at: instantOf(now), id: '01900000-0000-7000-8000-000000000001' };

test.each<[string, ArchiveRequest['reason'], Position | undefined]>([
  ['age', 'age', undefined],
  ['age-next', 'age', position],
  ['max-items', 'max_items', undefined],
])('archiving, %s', async (name, reason, after) => {
  const text = await compiledSql((db) => archiveBatch(db, { ...scope, reason, after, limit: 500 }));
  await expect(text).toMatchFileSnapshot(`__sql__/archive-${name}.sql`);
});

test.each([
  ['stored', undefined],
  ['stored-next', position],
])('archiving, by the time of storing: %s', async (name, after) => {
  const stored = { ...scope, policy: { ...policy, ageOf: 'stored' as const } };
  const text = await compiledSql((db) => archiveBatch(db, { ...stored, reason: 'age', after, limit: 500 }));
  await expect(text).toMatchFileSnapshot(`__sql__/archive-${name}.sql`);
});

test('archiving what is old or unimportant', async () => {
  const either = { ...scope, policy: { ...policy, matchMode: 'any' as const } };
  const text = await compiledSql((db) => archiveBatch(db, { ...either, reason: 'age', after: undefined, limit: 500 }));
  await expect(text).toMatchFileSnapshot('__sql__/archive-age-any.sql');
});

test.each([
  ['delete', 'old-copies', undefined],
  ['delete-next', 'old-copies', position],
  ['delete-expired', 'expired', undefined],
  ['delete-expired-copies', 'expired-copies', undefined],
] as const)('deleting: %s', async (name, what, after) => {
  const text = await compiledSql((db) => deleteBatch(db, { ...scope, what, after, limit: 500 }));
  await expect(text).toMatchFileSnapshot(`__sql__/${name}.sql`);
});

test('what a run would do', async () => {
  const text = await compiledSql((db) => countDue(db, scope, ['archive', 'delete']));
  await expect(text).toMatchFileSnapshot('__sql__/count-due.sql');
});
