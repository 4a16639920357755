import { instantOf } from '@memory-layer/shared/time/instant';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Candidate } from '../ranking/candidate.ts';
import type { Neighbourhood } from '../ranking/context.ts';
import { createSearchRepository, type SearchRepository } from '../sql/search.repository.ts';
import { idOf } from '../sql/testing/vectors.ts';
import { InMemorySearch, isForIndex } from './in-memory-search.ts';
import type { TenantIndex } from './tenant-index.ts';
import { startIndexedTenants, type IndexedTenants, type PlanParts } from './testing/indexed-tenants.ts';

let tenants: IndexedTenants;
let repository: SearchRepository;
let tenantId: string;
let index: TenantIndex;
beforeAll(async () => {
  tenants = await startIndexedTenants();
  const { db } = tenants;
  repository = createSearchRepository({ queries: db, prepared: db });
  tenantId = await tenants.addTenant(400);
  // One without vectors, one that has expired.
  await sql`delete from embedding where tenant_id = ${tenantId} and message_id = ${idOf(16)}`.execute(db);
  await sql`update message set expires_at = now() where tenant_id = ${tenantId} and id = ${idOf(18)}`.execute(db);
  await sql`update embedding set expires_at = now() where tenant_id = ${tenantId} and message_id = ${idOf(18)}`.execute(
    db,
  );
  index = await tenants.load(tenants.createIndexes(), tenantId);
});
afterAll(() => tenants.stop());

const inOrder = (candidates: readonly Candidate[]) => candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1));

/** The same candidates, but for what numbers of single precision are off by. */
const alike = (candidates: readonly Candidate[]) =>
  inOrder(candidates).map(({ vectorScore, termScores, ...candidate }) => ({
    ...candidate,
    vectorScore: vectorScore && expect.closeTo(vectorScore, 5),
    termScores: termScores.map((score) => expect.closeTo(score, 5)),
  }));

// No cosine is that.
const unknown = 9;

/** What stands before and after each message, and how alike they are. */
function beside({ earlierOf, laterOf, similarityBetween }: Neighbourhood, ids: readonly string[]) {
  return ids.map((id) => {
    const [earlier, later] = [earlierOf(id), laterOf(id)];
    const pairs = [[earlier, id] as const, [id, later] as const, [earlier, later] as const];
    return { earlier, later, similarities: pairs.map(([one, other]) => similarityBetween(one, other) ?? unknown) };
  });
}

function nearly({ similarities, ...neighbours }: ReturnType<typeof beside>[number]) {
  return {
    ...neighbours,
    similarities: similarities.map((similarity) => expect.closeTo(similarity, 5)),
  };
}

describe('a search in memory finds what the database finds', () => {
  test.each<[string, PlanParts]>([
    ['by words and vectors', { text: 'apple pear' }],
    ['by other words', { text: 'long apple 17 nobody', direction: 2 }],
    ['by vectors alone', { byWords: false, direction: 3 }],
    ['by words alone', { text: 'pear text', direction: 0 }],
    ['without words that say something', { text: 'the', direction: 0.3 }],
    ['all there are', { text: 'apple', limit: 1000 }],
    ['one', { text: 'apple', limit: 1 }],
    ['of a conversation', { text: 'apple', filter: { conversationIds: ['half', 'nobody'] } }],
    ['of a role', { text: 'apple pear', filter: { roles: ['assistant'] } }],
    ['of some importance', { text: 'apple', filter: { importanceMin: 0.3, importanceMax: 0.6 } }],
    [
      'of a time, whose end is not part of it',
      {
        text: 'apple',
        filter: {
          createdAfter: instantOf(new Date('2024-01-01T01:00:00Z')),
          createdBefore: instantOf(new Date('2024-01-01T02:00:00Z')),
        },
      },
    ],
    ['of the first page', { text: 'pear', filter: { throughId: idOf(100) } }],
    ['where none passes', { text: 'pear', filter: { conversationIds: ['nobody'] } }],
  ])('%s', async (_, parts) => {
    const plan = await tenants.planFor(tenantId, parts);
    expect(isForIndex(plan)).toBe(true);
    const search = new InMemorySearch(index, plan);
    const found = search.findCandidates();
    const expected = await repository.findCandidates(plan);
    expect(inOrder(found)).toEqual(alike(expected));
    const ids = found.slice(0, 12).map(({ id }) => id);
    const around = search.findNeighbourhood(ids);
    const wanted = await repository.findNeighbourhood(plan, ids);
    expect(inOrder(around.candidates)).toEqual(alike(wanted.candidates));
    expect(beside(around.neighbourhood, ids)).toEqual(beside(wanted.neighbourhood, ids).map(nearly));
  });

  test.each<[string, PlanParts]>([
    ['a phrase', { text: '"apple pear"' }],
    ['an exclusion', { text: 'apple -pear' }],
    ['metadata', { filter: { metadata: { share: 'half' } } }],
  ])('%s is left to the database', async (_, parts) => {
    expect(isForIndex(await tenants.planFor(tenantId, parts))).toBe(false);
  });
});
