import type { Schema } from '@memory-layer/shared/db/schema';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql, type Kysely } from 'kysely';
import { expect } from 'vitest';
import { createLexicalIndex } from '../../plan/lexical-query.ts';
import { createSearchPlan, planTenant, type CandidateFilter, type SearchPlan } from '../../plan/search-plan.ts';
import { noFilter } from '../../plan/testing/no-filter.ts';
import { parseOperators } from '../../query/parse-query.ts';
import { addMessages, dimension, generation } from '../../sql/testing/vectors.ts';
import { createLexicalRepository } from '../../stats/lexical.repository.ts';
import { noSegments } from '../../stats/segment-directory.ts';
import { createTenantIndexRepository } from '../tenant-index.repository.ts';
import type { TenantIndex } from '../tenant-index.ts';
import { TenantIndexes, type TenantIndexesOptions } from '../tenant-indexes.ts';

export interface PlanParts {
  readonly text?: string;
  /** 0: without a vector. */
  readonly direction?: number;
  readonly byWords?: boolean;
  readonly limit?: number;
  readonly filter?: Partial<CandidateFilter>;
}

export type IndexedTenants = Awaited<ReturnType<typeof startIndexedTenants>>;

/** A database with tenants that are read into memory. */
export async function startIndexedTenants() {
  const database: TestDatabase = await startTestDatabase();
  const { db } = database;
  const onError = (error: unknown) => expect.fail(String(error));
  const lexicalIndex = createLexicalIndex({ repository: createLexicalRepository(db), clock: systemClock, onError });
  let tenants = 0;

  const open = (indexes: TenantIndexes, tenantId: string) =>
    indexes.open({ tenant: planTenant(tenantId, { messages: 1 }), generation });

  return {
    db,
    stop: () => database.stop(),
    open,

    createIndexes: (options: Partial<TenantIndexesOptions> = {}) =>
      new TenantIndexes({
        repository: createTenantIndexRepository({ queries: db, prepared: db }),
        clock: systemClock,
        maxBytes: 64_000_000,
        dimension: () => dimension,
        onError,
        ...options,
      }),

    /** Searches the tenant until its index is loaded. */
    async load(indexes: TenantIndexes, tenantId: string): Promise<TenantIndex> {
      let index: TenantIndex | undefined;
      await eventually(async () => {
        index = await open(indexes, tenantId);
        expect(index).toBeDefined();
      });
      if (index === undefined) throw new Error('not loaded');
      return index;
    },

    /** A tenant of its own, whose messages have words in common and often more than once. */
    async addTenant(messages: number): Promise<string> {
      tenants += 1;
      const tenantId = `tenant-${tenants}`;
      await addMessages(db, tenantId, messages);
      await readWords(db, tenantId);
      return tenantId;
    },

    async planFor(tenantId: string, parts: PlanParts = {}): Promise<SearchPlan> {
      const { text = 'text', direction = 1, byWords = true, limit = 20, filter } = parts;
      const vector = Float32Array.from({ length: dimension }, (_, i) => Math.cos(direction * i));
      const plan = createSearchPlan({
        tenant: planTenant(tenantId, { messages: 1 }),
        generation,
        vector: direction === 0 ? undefined : vector,
        segments: noSegments,
        lexical: await lexicalIndex.prepare(tenantId, parseOperators(text)),
        byWords,
        limit,
        filter: { ...noFilter, ...filter },
      });
      // The last step alone misses nothing, as the index does not.
      return { ...plan, words: plan.words && { ...plan.words, steps: plan.words.steps.slice(-1) } };
    },
  };
}

async function readWords(db: Kysely<Schema>, tenantId: string): Promise<void> {
  await sql`
    update message m set search_vector = to_tsvector('english', concat_ws(' ', m.content,
      repeat('apple ', n % 4), repeat('pear ', n % 7 % 3), repeat('long words ', n % 13)))
    from (select id, substr(content, 6)::int as n from message where tenant_id = ${tenantId}) numbered
    where m.tenant_id = ${tenantId} and m.id = numbered.id`.execute(db);
}
