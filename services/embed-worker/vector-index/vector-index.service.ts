import type { TenantPartitions } from '@memory-layer/shared/db/tenant-partitions.repository';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { allIds, uncoveredRanges } from '@memory-layer/shared/vector-index/id-range';
import { graphBytesPerVector, graphOptionsFor } from '@memory-layer/shared/vector-index/segment-index';
import { planVectorIndex, type PlanLimits, type SegmentBuild, type VectorCounts } from './plan-vector-index.ts';
import { reconcileVectorIndex } from './reconcile-vector-index.ts';
import type { VectorCountsRepository, VectorOwner } from './vector-counts.repository.ts';
import type { StoredSegment, VectorIndexRepository } from './vector-index.repository.ts';

/** What a round may report: metrics, as a rule. */
export interface VectorIndexEvents {
  built(seconds: number, vectors: number): void;
  failed(): void;
  /** Vectors of a tenant with an index that are searched exactly. */
  tail(vectors: number): void;
}

export interface VectorIndexServiceDeps {
  readonly indexes: VectorIndexRepository;
  readonly vectorCounts: VectorCountsRepository;
  readonly partitions: Pick<TenantPartitions, 'get'>;
  readonly generation: { readonly generation: number; readonly dimension: number };
  readonly limits: { readonly minVectors: number; readonly maxTail: number; readonly memoryMb: number };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: VectorIndexEvents;
}

export type VectorIndexService = ReturnType<typeof createVectorIndexService>;

const recountAfterMs = 3_600_000;
const recentMs = 60_000;

/** Maintains indexes, one tenant at a time. For the one maintainer that holds the lock. */
export function createVectorIndexService(deps: VectorIndexServiceDeps) {
  const { indexes, vectorCounts, partitions, generation, clock, logger, events } = deps;
  const limits: PlanLimits = {
    minVectors: deps.limits.minVectors,
    maxTail: deps.limits.maxTail,
    maxSegment: Math.floor(
      (deps.limits.memoryMb * 2 ** 20) / graphBytesPerVector(generation.dimension, graphOptionsFor(Infinity).m),
    ),
  };

  /** Removes what broken-off work has left. */
  async function reconcile(): Promise<void> {
    const rows = await indexes.listRows();
    const { dropIndexes, deleteRows } = reconcileVectorIndex(rows, await indexes.listIndexes(), generation.generation);
    for (const indexName of dropIndexes) {
      await indexes.dropIndex(indexName);
      logger.info({ indexName }, 'leftover vector index dropped');
    }
    for (const row of deleteRows) await indexes.deleteRow(row.tenantId, row.generation, row.indexName);
  }

  /** Does the next thing that a tenant's index needs. Returns whether there was something to do. */
  async function maintain(tenantId: string): Promise<boolean> {
    const owner: VectorOwner = { tenantId, generation: generation.generation };
    const plan = planVectorIndex(await countAll(owner), limits);
    await drop(owner, plan.drop);
    return plan.build === undefined ? plan.drop.length > 0 : build(owner, plan.build);
  }

  async function countAll(owner: VectorOwner): Promise<VectorCounts> {
    const segments = await recount(owner, await indexes.listReady(owner.tenantId, owner.generation));
    const ranges = uncoveredRanges(segments);
    const counts = await vectorCounts.count(owner, ranges);
    const gaps = ranges.map((range, index) => ({ ...range, vectors: counts[index] ?? 0 }));
    const unindexed = counts.reduce((a, b) => a + b, 0);
    if (segments.length > 0) events.tail(unindexed);
    const isWorthAsking = segments.length > 0 || unindexed >= limits.minVectors;
    return { segments, gaps, isQuiet: isWorthAsking && (await isQuiet(owner)) };
  }

  /** Counting all of a large tenant takes a while, and segments change slowly: they only shrink. */
  async function recount(owner: VectorOwner, segments: StoredSegment[]): Promise<StoredSegment[]> {
    const now = clock.now();
    if (segments.every((segment) => now.getTime() - segment.countedAt.getTime() < recountAfterMs)) return segments;
    const counts = await vectorCounts.count(owner, segments);
    const recounted = segments.map((segment, index) => ({ ...segment, vectors: counts[index] ?? 0 }));
    for (const { indexName, vectors } of recounted) {
      await indexes.setVectors(owner.tenantId, owner.generation, indexName, vectors);
    }
    return recounted;
  }

  async function isQuiet(owner: VectorOwner): Promise<boolean> {
    const most = Math.max(1, Math.floor(limits.maxTail / 4));
    const since = idOfTime(clock.now().getTime() - recentMs);
    return (await vectorCounts.countArriving(owner, since, most)) < most;
  }

  async function build(owner: VectorOwner, wanted: SegmentBuild): Promise<boolean> {
    const throughId = (await vectorCounts.findIdAt(owner, wanted.gap, wanted.fresh)) ?? wanted.gap.afterId;
    // Vectors were deleted since they were counted: the next round counts again.
    if (throughId <= wanted.afterId) return false;
    const segment = { ...owner, afterId: wanted.afterId, throughId };
    const graph = graphOptionsFor(wanted.vectors);
    const partition = await partitions.get(owner.tenantId);
    const startedAt = performance.now();
    await indexes.insertBuilding(segment, wanted.vectors);
    try {
      await indexes.createIndex(segment, { ...graph, partition, dimension: generation.dimension });
    } catch (error) {
      events.failed();
      throw error;
    }
    await indexes.publish(segment, wanted.replaces);
    const seconds = (performance.now() - startedAt) / 1000;
    events.built(seconds, wanted.vectors);
    const { tenantId } = owner;
    logger.info({ tenantId, vectors: wanted.vectors, replaced: wanted.replaces.length, seconds }, 'vector index built');
    await drop(owner, wanted.replaces);
    return true;
  }

  async function drop(owner: VectorOwner, indexNames: readonly string[]): Promise<void> {
    if (indexNames.length === 0) return;
    await indexes.markDropping(owner.tenantId, owner.generation, indexNames);
    for (const indexName of indexNames) {
      await indexes.dropIndex(indexName);
      await indexes.deleteRow(owner.tenantId, owner.generation, indexName);
    }
  }

  return { reconcile, maintain };
}

/** The lowest UUIDv7 of a moment (RFC 9562, 5.7): its first 48 bits are milliseconds since 1970. */
export function idOfTime(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}${allIds.afterId.slice(13)}`;
}
