import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import { LRUCache } from 'lru-cache';
import { SharedCall } from '../query/shared-call.ts';
import { TermStatistics, type MessageSample } from './term-statistics.ts';

export interface StatisticsCacheOptions {
  /** @param signal aborted when nobody waits any more */
  readonly load: (tenantId: string, signal: AbortSignal) => Promise<MessageSample>;
  readonly clock: Clock;
  /** Of all tenants together, in characters; the longest unused go first. */
  readonly maxSize: number;
  /** Receives errors of refreshes: what was known goes on being used. */
  readonly onError: (error: Error) => void;
}

interface Entry {
  readonly statistics: TermStatistics;
  readonly staleAt: number;
}

// The smallest tenants change most with every message, and are read in no time: nothing is kept of them.
const minMessages = 64;
// A tenant's statistics are refreshed after this long, and later where a refresh takes long: 1/400 of the time.
const minAgeMs = 60_000;
const maxAgeMs = 600_000;
const restPerWork = 400;

/**
 * What is known of the words of tenants. Only a tenant's first search waits for it; later ones are answered with what
 * is there during the refresh.
 */
export class StatisticsCache {
  readonly #options: StatisticsCacheOptions;
  readonly #entries: LRUCache<string, Entry>;
  // Not the cache's fetchMethod: there the signal of the first caller ends the load for all; here the last who leaves does.
  readonly #loading = new Map<string, SharedCall<TermStatistics>>();

  constructor(options: StatisticsCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({
      maxSize: options.maxSize,
      sizeCalculation: ({ statistics }) => Math.max(1, statistics.size),
    });
  }

  /** @throws what loading throws, when nothing is known of the tenant; the signal's reason. */
  async get(tenantId: string, signal?: AbortSignal): Promise<TermStatistics> {
    const entry = this.#entries.get(tenantId);
    if (entry === undefined) return this.#load(tenantId, signal);
    if (this.#now() >= entry.staleAt) this.#load(tenantId, undefined).catch(this.#options.onError);
    return entry.statistics;
  }

  #load(tenantId: string, signal: AbortSignal | undefined): Promise<TermStatistics> {
    const known = this.#loading.get(tenantId);
    if (known !== undefined && !known.cancelled) return known.join(signal);
    const loading = new SharedCall((ended) => this.#take(tenantId, ended));
    this.#loading.set(tenantId, loading);
    void loading.settled.then(() => this.#loading.get(tenantId) === loading && this.#loading.delete(tenantId));
    return loading.join(signal);
  }

  async #take(tenantId: string, signal: AbortSignal): Promise<TermStatistics> {
    const begun = this.#now();
    const statistics = new TermStatistics(await this.#options.load(tenantId, signal));
    const now = this.#now();
    const ageMs = Math.min(maxAgeMs, minAgeMs + restPerWork * (now - begun));
    if (statistics.messages < minMessages) this.#entries.delete(tenantId);
    else this.#entries.set(tenantId, { statistics, staleAt: now + ageMs });
    return statistics;
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
