import { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import {
  costOf,
  createStaleTenant,
  generation,
  staleStatistics,
  type StaleTenant,
} from '@memory-layer/shared/testing/stale-statistics';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLexicalIndex } from '../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type CandidateFilter, type SearchPlanParts } from '../plan/search-plan.ts';
import { noFilter } from '../plan/testing/no-filter.ts';
import { parseOperators } from '../query/parse-query.ts';
import { createLexicalRepository } from '../stats/lexical.repository.ts';
import { noSegments } from '../stats/segment-directory.ts';
import { createSearchRepository, type SearchRepository } from './search.repository.ts';

interface Asked extends StaleTenant {
  readonly query: SearchPlanParts;
}

const filtered =
  (filter: Partial<CandidateFilter>) =>
  (repository: SearchRepository, { query }: Asked) =>
    repository.findCandidates(createSearchPlan({ ...query, filter: { ...noFilter, ...filter } }));

/** Statements for ten messages, with the pages that they may read. */
const byKey: readonly [string, number, (repository: SearchRepository, asked: Asked) => Promise<unknown>][] = [
  ['the neighbourhood', 240, (r, { query, ids }) => r.findNeighbourhood(createSearchPlan(query), ids)],
  ['hits', 90, (r, { query, ids }) => r.getHits(query, ids, query.vector)],
  [
    'shown neighbours',
    170,
    (r, { query, tenantId, ids }) => r.listNeighbours({ tenantId, partition: query.tenant.partition, ids, count: 2 }),
  ],
  [
    'mean vectors',
    60,
    (r, { query, tenantId, ids }) =>
      r.listMeanVectors({ tenantId, partition: query.tenant.partition, generation, ids }),
  ],
];

// All of the tenant's 4 000 vectors are compared, and under a filter their messages looked up: three pages for each.
const candidates: readonly [string, number, (repository: SearchRepository, asked: Asked) => Promise<unknown>][] = [
  ['by words', 400, (r, { query }) => r.findCandidates(createSearchPlan({ ...query, vector: undefined }))],
  ['by both', 1800, filtered({})],
  ['of a conversation', 1800, filtered({ conversationIds: ['c-1'] })],
  ['with metadata', 15_000, filtered({ metadata: { n: 7 } })],
];

describe.each(staleStatistics)('with tables %s', (statistics) => {
  let database: TestDatabase;
  let asked: Asked;
  beforeAll(async () => {
    database = await startTestDatabase();
    const tenant = await createStaleTenant(database.db, statistics);
    const lexicalIndex = createLexicalIndex({
      repository: createLexicalRepository(database.db),
      clock: systemClock,
      onError: (error) => expect.fail(error.message),
    });
    const partition = await new TenantPartitions(database.db).get(tenant.tenantId);
    const query = {
      tenant: planTenant(tenant.tenantId, { messages: tenant.count, partition }),
      generation,
      vector: new Float32Array(32).fill(0.1),
      segments: noSegments,
      lexical: await lexicalIndex.prepare(tenant.tenantId, parseOperators('subject7')),
      byWords: true,
      limit: 200,
      filter: noFilter,
    };
    asked = { ...tenant, query };
  }, 60_000);
  afterAll(() => database.stop());

  test.each([...byKey, ...candidates])('%s: no more than %i pages are read', async (_, most, run) => {
    const costs = await costOf(database.db, (db) => run(createSearchRepository({ queries: db, prepared: db }), asked));
    expect(nonEmpty(costs).filter(({ pages }) => pages > most)).toEqual([]);
  });

  test.each(byKey)('%s: is read by keys', async (_, __, run) => {
    const costs = await costOf(database.db, (db) => run(createSearchRepository({ queries: db, prepared: db }), asked));
    for (const { plan } of nonEmpty(costs)) {
      expect(plan).not.toMatch(/Seq Scan on (message|embedding)/);
      const used = plan.match(/(?<=(?:using|Index Scan on) )(?:message|embedding)_p\d+\w+/g) ?? [];
      for (const index of nonEmpty(used)) expect(index).toMatch(/_pkey$|_conversation_id_created_at_id_idx$/);
    }
  });
});
