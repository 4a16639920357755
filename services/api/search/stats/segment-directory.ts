import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import { LRUCache } from 'lru-cache';
import type { ReadySegment, ReadySegmentsRepository, VectorSample } from './ready-segments.repository.ts';

/**
 * What is known of a tenant's vectors, some seconds old: it decides how they are read, never what is found. What no
 * segment covers is searched exactly, and a segment whose index is gone is read by the primary key.
 */
export interface ReadySegments extends VectorSample {
  /** In the order of their ids, without overlap; none for most tenants. */
  readonly segments: readonly ReadySegment[];
}

/** A tenant whose vectors are all searched exactly. */
export const noSegments: ReadySegments = { segments: [], rowsPerMessage: 1, sample: [] };

export interface SegmentDirectoryOptions {
  readonly repository: ReadySegmentsRepository;
  readonly clock: Clock;
  /** Receives errors of refreshes: the older answer goes on being used. */
  readonly onError: (error: unknown) => void;
  /** Tenants remembered, the least recently searched going first. */
  readonly maxTenants?: number;
}

export interface SegmentDirectory {
  /**
   * The segments to search a tenant by. Mostly remembered: an answer that is out of date makes a search slower, never
   * wrong, and is looked up again meanwhile.
   */
  readonly listReadySegments: (tenantId: string, generation: number) => Promise<ReadySegments>;
}

interface Entry {
  readonly known: ReadySegments;
  readonly loadedAt: number;
  readonly sampledAt: number;
}

// Segments change every few minutes at most; a tenant that nobody searched for long is looked at before the search.
const freshMs = 20_000;
const usableMs = 120_000;
const sampleFreshMs = 600_000;
// Tells a share of a fifth from one of a twentieth, and costs a search a fifth of a millisecond.
const sampleSize = 128;

/** Remembers the segments of the tenants that are searched. */
export function createSegmentDirectory(options: SegmentDirectoryOptions): SegmentDirectory {
  const { repository, clock, maxTenants = 10_000 } = options;
  const entries = new LRUCache<string, Entry>({ max: maxTenants });
  // Not the cache's fetchMethod: its allowStale has no end, and here an answer is too old to be used after two minutes.
  const loading = new Map<string, Promise<Entry>>();

  async function look(key: string, tenantId: string, generation: number, before: Entry | undefined): Promise<Entry> {
    const loadedAt = clock.now().getTime();
    const segments = await repository.listSegments(tenantId, generation);
    if (segments.length === 0) return { known: noSegments, loadedAt, sampledAt: 0 };
    const vectors = segments.reduce((sum, segment) => sum + segment.vectors, 0);
    const take = () => repository.takeSample(tenantId, generation, Math.max(1, Math.floor(vectors / sampleSize)));
    if (before === undefined || before.known.sample.length === 0) {
      return { known: { segments, ...(await take()) }, loadedAt, sampledAt: loadedAt };
    }
    const { rowsPerMessage, sample } = before.known;
    const entry = { known: { segments, rowsPerMessage, sample }, loadedAt, sampledAt: before.sampledAt };
    if (loadedAt - before.sampledAt < sampleFreshMs) return entry;
    // Reading all keys takes long for a large tenant: no search but its first one waits for it.
    void take().then((taken) => keepSample(key, taken), options.onError);
    return { ...entry, sampledAt: loadedAt };
  }

  function keepSample(key: string, taken: VectorSample): void {
    const entry = entries.peek(key);
    if (entry !== undefined) entries.set(key, { ...entry, known: { ...entry.known, ...taken } });
  }

  function load(key: string, tenantId: string, generation: number): Promise<Entry> {
    const underWay = loading.get(key);
    if (underWay !== undefined) return underWay;
    const loaded = look(key, tenantId, generation, entries.peek(key))
      .then((entry) => {
        entries.set(key, entry);
        return entry;
      })
      .finally(() => loading.delete(key));
    loading.set(key, loaded);
    return loaded;
  }

  return {
    async listReadySegments(tenantId, generation) {
      const key = `${generation}:${tenantId}`;
      const entry = entries.get(key);
      const age = entry === undefined ? Infinity : clock.now().getTime() - entry.loadedAt;
      if (entry === undefined || age > usableMs) return (await load(key, tenantId, generation)).known;
      if (age > freshMs) void load(key, tenantId, generation).catch(options.onError);
      return entry.known;
    },
  };
}
