import type { Schema } from '@memory-layer/shared/db/schema';
import { partitionName } from '@memory-layer/shared/db/tenant-partitions.repository';
import {
  segmentIndexName,
  segmentIndexPattern,
  type GraphOptions,
  type IndexSegment,
} from '@memory-layer/shared/vector-index/segment-index';
import { createSegmentIndexStatement } from '@memory-layer/shared/vector-index/segment-index.sql';
import { sql, type Kysely } from 'kysely';
import type { CountedSegment } from './plan-vector-index.ts';
import type { ExistingIndex, SegmentRow } from './reconcile-vector-index.ts';

/** Settings of the connection that builds. */
export interface BuildSettings {
  readonly memoryMb: number;
  /** Processes that help with one build; each build takes a core without any. */
  readonly parallelWorkers: number;
  readonly timeoutMs: number;
}

export interface StoredSegment extends CountedSegment {
  readonly countedAt: Date;
}

export type VectorIndexRepository = ReturnType<typeof createVectorIndexRepository>;

// Any number that nothing else in this database locks.
const maintainerLock = 7_150_411;

/** Rows and indexes of segments, on the maintainer's one connection: its lock and its settings live there. */
export function createVectorIndexRepository(session: Kysely<Schema>) {
  return {
    /** @returns the connection's process id, by which it can be cancelled; undefined when another maintainer is at work. */
    async tryLock(settings: BuildSettings): Promise<number | undefined> {
      const { rows } = await sql<{ locked: boolean; pid: number }>`
        select pg_try_advisory_lock(${maintainerLock}) as locked, pg_backend_pid() as pid,
               set_config('maintenance_work_mem', ${`${settings.memoryMb}MB`}, false),
               set_config('max_parallel_maintenance_workers', ${String(settings.parallelWorkers)}, false),
               set_config('statement_timeout', ${String(settings.timeoutMs)}, false)
      `.execute(session);
      return rows[0]?.locked === true ? rows[0].pid : undefined;
    },

    async unlock(): Promise<void> {
      await sql`select pg_advisory_unlock(${maintainerLock})`.execute(session);
    },

    /** Cancels what the connection with that process id runs. Call it on another connection. */
    async cancelStatement(pid: number): Promise<void> {
      await sql`select pg_cancel_backend(${pid})`.execute(session);
    },

    async listRows(): Promise<SegmentRow[]> {
      const { rows } = await sql<{
        index_name: string;
        tenant_id: string;
        generation: number;
        state: SegmentRow['state'];
      }>`
        select index_name, tenant_id, generation, state from vector_index
      `.execute(session);
      return rows.map((row) => ({
        indexName: row.index_name,
        tenantId: row.tenant_id,
        generation: row.generation,
        state: row.state,
      }));
    },

    async listIndexes(): Promise<ExistingIndex[]> {
      const { rows } = await sql<{ index_name: string; is_valid: boolean }>`
        select i.relname as index_name, x.indisvalid as is_valid
        from pg_index x join pg_class i on i.oid = x.indexrelid
        where i.relnamespace = (select relnamespace from pg_class where oid = 'embedding'::regclass)
          and i.relname ~ ${segmentIndexPattern.source}
      `.execute(session);
      return rows.map((row) => ({ indexName: row.index_name, isValid: row.is_valid }));
    },

    /** The ready segments, in the order of their ids. */
    async listReady(tenantId: string, generation: number): Promise<StoredSegment[]> {
      const rows = await session
        .selectFrom('vector_index')
        .select(['index_name', 'after_id', 'through_id', 'vectors', 'counted_at'])
        .where('tenant_id', '=', tenantId)
        .where('generation', '=', generation)
        .where('state', '=', 'ready')
        .orderBy('after_id')
        .execute();
      return rows.map((row) => ({
        indexName: row.index_name,
        afterId: row.after_id,
        throughId: row.through_id,
        vectors: row.vectors,
        countedAt: row.counted_at,
      }));
    },

    async setVectors(tenantId: string, generation: number, indexName: string, vectors: number): Promise<void> {
      await sql`
        update vector_index set vectors = ${vectors}, counted_at = now()
        where tenant_id = ${tenantId} and generation = ${generation} and index_name = ${indexName}
      `.execute(session);
    },

    async insertBuilding(segment: IndexSegment, vectors: number): Promise<void> {
      await sql`
        insert into vector_index (tenant_id, generation, index_name, after_id, through_id, state, vectors)
        values (${segment.tenantId}, ${segment.generation}, ${segmentIndexName(segment)},
                ${segment.afterId}, ${segment.throughId}, 'building', ${vectors})
      `.execute(session);
    },

    /** Others read and write meanwhile. It waits for transactions that began before it. */
    async createIndex(
      segment: IndexSegment,
      options: GraphOptions & { readonly partition: number; readonly dimension: number },
    ): Promise<void> {
      const partition = partitionName('embedding', options.partition);
      await sql.raw(createSegmentIndexStatement(segment, { ...options, partition })).execute(session);
    },

    /** From here on searches use the new segment, and not those that it replaces. */
    async publish(segment: IndexSegment, replaces: readonly string[]): Promise<void> {
      const { tenantId, generation } = segment;
      await sql`
        update vector_index
        set state = case when index_name = ${segmentIndexName(segment)} then 'ready' else 'dropping' end
        where tenant_id = ${tenantId} and generation = ${generation}
          and index_name = any(${[segmentIndexName(segment), ...replaces]}::text[])
      `.execute(session);
    },

    async markDropping(tenantId: string, generation: number, indexNames: readonly string[]): Promise<void> {
      await sql`
        update vector_index set state = 'dropping'
        where tenant_id = ${tenantId} and generation = ${generation} and index_name = any(${[...indexNames]}::text[])
      `.execute(session);
    },

    async dropIndex(indexName: string): Promise<void> {
      await sql`drop index concurrently if exists ${sql.id(indexName)}`.execute(session);
    },

    async deleteRow(tenantId: string, generation: number, indexName: string): Promise<void> {
      await session
        .deleteFrom('vector_index')
        .where('tenant_id', '=', tenantId)
        .where('generation', '=', generation)
        .where('index_name', '=', indexName)
        .execute();
    },
  };
}
