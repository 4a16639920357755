import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { LRUCache } from 'lru-cache';
import { createYielder } from '../../cost/give-way.ts';
import { SharedCall } from '../query/shared-call.ts';
import { TenantIndex } from './tenant-index.ts';
import {
  chunkComponents,
  chunkMessages,
  type IndexedTenant,
  type LogPlace,
  type MessageChange,
  type TenantIndexRepository,
} from './tenant-index.repository.ts';
import { VectorMemory } from './vector-memory.ts';

export interface TenantIndexesOptions {
  readonly repository: TenantIndexRepository;
  readonly clock: Clock;
  /** Of all indexes together, in bytes; 0 for none. */
  readonly maxBytes: number;
  /** Components of a vector of the active generation. */
  readonly dimension: () => number;
  /** Receives errors of loading and of catching up: the database answers meanwhile. */
  readonly onError: (error: unknown) => void;
}

/** What is in memory, for metrics. */
export interface TenantIndexesState {
  readonly tenants: number;
  readonly bytes: number;
}

interface Entry {
  readonly of: IndexedTenant;
  readonly index: TenantIndex;
  /** By what rules its words were read. */
  readonly language: string;
  /** Events from here on are read next time. */
  from: LogPlace;
  /** Events of those that were read already, while an older transaction was still running. */
  read: ReadonlySet<string>;
  readonly loadedAt: number;
  usedAt: number;
  /** The look at the database that is under way, and the one after it. */
  running: Promise<boolean>;
  next: Promise<boolean> | undefined;
}

/** Comparing the vectors of more takes longer than asking a graph. */
const maxMessages = 20_000;
// One tenant's share of the memory.
const share = 0.5;
// Of a tenant: a third of it is compared with every query, in one go.
const mostBytes = 134_217_728;
// A tenant is loaded with its fourth search in a minute, so that loading it pays.
const searchesToLoad = 4;
const windowMs = 60_000;
// An index that was used within this time gives way to no other one: two would take turns in being loaded.
const keptMs = 60_000;
// A tenant that did not fit is not looked at again for this long.
const refusedMs = 600_000;
// What changed without an event would be found now and then.
const maxAgeMs = 3_600_000;
// Messages that are gone leave their places: an index of this share of them is made anew.
const maxGone = 0.3;
const maxRemembered = 10_000;
const loadMs = 30_000;
const catchUpMs = 5000;
// Searches wait meanwhile.
const mostCatchUpMs = 500;

/**
 * The tenants that are searched often, in memory. Each search asks the database first what has changed: so an answer
 * is that of the database at a moment after the search began, in every process.
 */
export class TenantIndexes {
  readonly #options: TenantIndexesOptions;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #searches: LRUCache<string, number>;
  readonly #refused: LRUCache<string, true>;
  readonly #stopping = new AbortController();
  #memory: VectorMemory | undefined;
  #loading: Promise<void> | undefined;

  constructor(options: TenantIndexesOptions) {
    this.#options = options;
    const perf = { now: () => this.#now() };
    this.#searches = new LRUCache({ max: maxRemembered, ttl: windowMs, perf });
    this.#refused = new LRUCache({ max: maxRemembered, ttl: refusedMs, perf });
  }

  get state(): TenantIndexesState {
    return { tenants: this.#entries.size, bytes: this.#bytes };
  }

  /** The tenant's index, up to date; undefined when the database is to be asked. @throws the signal's reason */
  async open(of: IndexedTenant, signal?: AbortSignal): Promise<TenantIndex | undefined> {
    const { id } = of.tenant;
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.of.generation !== of.generation) {
      this.#noteSearch(of);
      return undefined;
    }
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    entry.usedAt = this.#now();
    const isCurrent = await new SharedCall(() => this.#catchUp(entry)).join(signal);
    // Many may have waited for the same look: each search has a turn of its own.
    await setImmediate();
    return isCurrent && !entry.index.isClosed ? entry.index : undefined;
  }

  /** Gives up an index that has failed: it is made anew later. */
  discard(index: TenantIndex, error: unknown): void {
    const entry = this.#entries.values().find((one) => one.index === index);
    if (entry !== undefined) this.#giveUp(entry);
    this.#options.onError(error);
  }

  /** Gives all memory back, and ends what is being loaded. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loading;
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.#close(entry);
    await Promise.all(entries.map(({ running }) => running));
  }

  get #share(): number {
    return Math.min(share * this.#options.maxBytes, mostBytes);
  }

  get #bytes(): number {
    return this.#entries.values().reduce((sum, { index }) => sum + index.bytes, 0);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }

  #noteSearch(of: IndexedTenant): void {
    const { id } = of.tenant;
    const count = (this.#searches.get(id) ?? 0) + 1;
    this.#searches.set(id, count, { noUpdateTTL: true });
    const isIdle = this.#loading === undefined && !this.#stopping.signal.aborted;
    if (count < searchesToLoad || !isIdle || this.#options.maxBytes === 0 || this.#refused.has(id)) return;
    this.#loading = this.#load(of)
      .catch((error: unknown) => {
        this.#refused.set(id, true, { ttl: windowMs });
        if (!this.#stopping.signal.aborted) this.#options.onError(error);
      })
      .finally(() => {
        this.#loading = undefined;
      });
  }

  async #load(of: IndexedTenant): Promise<void> {
    const { repository, maxBytes } = this.#options;
    const { id } = of.tenant;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(loadMs)]);
    if (!(await repository.hasAtMost(of.tenant, maxMessages, signal))) return void this.#refused.set(id, true);
    // What changes from now on is in the log, or is pending, when the index is first used.
    const { horizon, isReindexing, isCut, language } = await repository.readChanges(of, undefined, signal);
    if (isReindexing || isCut) return void this.#refused.set(id, true, { ttl: windowMs });
    this.#memory ??= new VectorMemory({ dimension: this.#options.dimension(), maxBytes });
    const index = new TenantIndex(this.#memory);
    const entry: Entry = {
      of,
      index,
      language,
      from: { transactionId: horizon, eventId: 0n },
      read: new Set(),
      loadedAt: this.#now(),
      usedAt: this.#now(),
      running: Promise.resolve(true),
      next: undefined,
    };
    let isWhole = false;
    try {
      let ids = await repository.listIds(of, undefined, signal);
      while (ids.length > 0) {
        if (!(await this.#read(entry, ids, ids, { signal }))) {
          // Room may come soon, unless the tenant itself is too large.
          return void this.#refused.set(id, true, { ttl: index.bytes > this.#share ? refusedMs : windowMs });
        }
        ids = await repository.listIds(of, ids.at(-1), signal);
      }
      isWhole = true;
    } finally {
      if (!isWhole) index.close();
    }
    this.#entries.set(id, entry);
  }

  /** Whether the index is as the database was at some moment from now on. All who ask meanwhile share one look. */
  #catchUp(entry: Entry): Promise<boolean> {
    entry.next ??= entry.running.then(() => {
      entry.running = entry.next ?? entry.running;
      entry.next = undefined;
      return this.#readChanges(entry).catch((error: unknown) => {
        // Half of the changes may be in it.
        this.#giveUp(entry);
        if (!this.#stopping.signal.aborted) this.#options.onError(error);
        return false;
      });
    });
    return entry.next;
  }

  async #readChanges(entry: Entry): Promise<boolean> {
    const { index, of } = entry;
    if (index.isClosed) return false;
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(catchUpMs)]);
    const changes = await this.#options.repository.readChanges(of, entry.from, signal);
    const isWorn = index.count < (1 - maxGone) * index.size || this.#now() - entry.loadedAt > maxAgeMs;
    if (isWorn) {
      this.#close(entry);
      return false;
    }
    const isReread = changes.isReindexing || changes.language !== entry.language;
    if (changes.isCut || changes.isBroken || isReread || index.count > maxMessages) return this.#giveUp(entry);
    const events = changes.events.filter((event) => !entry.read.has(placeOf(event)));
    const idsOf = (...types: MessageEventType[]) =>
      events.flatMap(({ type, messageIds }) => (types.includes(type) ? messageIds : []));
    for (const id of idsOf('message.archived', 'message.deleted')) index.remove(id);
    const updated = idsOf('message.updated');
    const embedded = [...new Set([...updated, ...idsOf('message.embedded', 'message.failed')])];
    const unknown = [...embedded, ...changes.pendingIds].filter((id) => !index.has(id));
    const wanted = [...new Set([...updated, ...unknown])];
    if (!(await this.#read(entry, wanted, embedded, { signal, mostMs: mostCatchUpMs }))) return this.#giveUp(entry);
    entry.from = { transactionId: changes.horizon, eventId: 0n };
    entry.read = new Set(changes.events.filter(({ transactionId }) => transactionId >= changes.horizon).map(placeOf));
    index.now = changes.nowMs;
    return true;
  }

  /**
   * Takes up messages and vectors, some milliseconds at a time. @returns false when there is no room, or no time left.
   * @param ids of messages that are not in the index, or have changed
   * @param embedded of messages whose vectors are
   */
  async #read(
    { of, index }: Entry,
    ids: readonly string[],
    embedded: readonly string[],
    { signal, mostMs = Infinity }: { readonly signal: AbortSignal; readonly mostMs?: number },
  ): Promise<boolean> {
    const { repository } = this.#options;
    const end = performance.now() + mostMs;
    const yieldWhenDue = createYielder();
    for (const chunk of chunksOf(ids, chunkMessages)) {
      let rest: readonly string[] = chunk;
      while (rest.length > 0) {
        const { messages, restIds } = await repository.readMessages(of, rest, signal);
        for (const message of messages) {
          index.replace(message);
          await yieldWhenDue();
        }
        rest = restIds;
        if (!this.#hasRoom(index) || performance.now() > end) return false;
      }
    }
    for (const chunk of chunksOf(embedded, messagesOfVectors(this.#options.dimension()))) {
      for (const [id, vectors] of await repository.listVectors(of, chunk, signal)) {
        if (!index.setVectors(id, vectors)) return false;
        await yieldWhenDue();
      }
      if (!this.#hasRoom(index) || performance.now() > end) return false;
    }
    return true;
  }

  /** Makes room by closing what nobody has used for a while. */
  #hasRoom(index: TenantIndex): boolean {
    const { maxBytes } = this.#options;
    if (index.bytes > this.#share) return false;
    const isListed = this.#entries.values().some((entry) => entry.index === index);
    for (const entry of this.#entries.values()) {
      if (this.#bytes + (isListed ? 0 : index.bytes) <= maxBytes) break;
      if (entry.index !== index && this.#now() - entry.usedAt > keptMs) this.#close(entry);
    }
    return this.#bytes + (isListed ? 0 : index.bytes) <= maxBytes;
  }

  /** The database is searched for a while: what has happened may happen again at once. */
  #giveUp(entry: Entry): false {
    this.#refused.set(entry.of.tenant.id, true, { ttl: windowMs });
    this.#close(entry);
    return false;
  }

  #close(entry: Entry): void {
    if (this.#entries.get(entry.of.tenant.id) === entry) this.#entries.delete(entry.of.tenant.id);
    entry.index.close();
  }
}

function placeOf({ transactionId, eventId }: MessageChange): string {
  return `${transactionId}.${eventId}`;
}

function chunksOf(ids: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, index) =>
    ids.slice(index * size, (index + 1) * size),
  );
}

/** Most have one or two passages. */
function messagesOfVectors(dimension: number): number {
  return Math.max(1, Math.floor(chunkComponents / (2 * dimension)));
}
