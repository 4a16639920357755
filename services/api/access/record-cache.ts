import { Coalescer } from '@memory-layer/shared/batching/coalescer';
import { LRUCache } from 'lru-cache';
import type { ChangeWatch } from './change-watch.ts';

export interface RecordCacheDeps<Value> {
  /** For the error of a full queue: "keys". */
  readonly what: string;
  readonly watch: Pick<ChangeWatch, 'isFresh' | 'refresh' | 'onChange'>;
  /** The records of these ids that there are. */
  readonly load: (ids: readonly string[]) => Promise<ReadonlyMap<string, Value>>;
}

// Strangers can ask for any id: what does not exist must not push out what does.
const maxRecords = 10_000;
const maxIdsPerQuery = 500;
const maxWaiting = 10_000;

/**
 * Records by their ids, remembered until something changes in any process: see {@link ChangeWatch}. That there is no
 * record of an id is remembered, too. Looking up many at a time is one query.
 */
export class RecordCache<Value extends object> {
  readonly #watch: RecordCacheDeps<Value>['watch'];
  readonly #records = new LRUCache<string, Value>({ max: maxRecords });
  readonly #absent = new LRUCache<string, true>({ max: maxRecords });
  readonly #loading: Coalescer<string, Value | undefined>;
  /** How often everything was forgotten: what a query of before finds may be out of date. */
  #generation = 0;

  constructor({ what, watch, load }: RecordCacheDeps<Value>) {
    this.#watch = watch;
    watch.onChange(() => this.#forget());
    this.#loading = new Coalescer<string, Value | undefined>({
      what,
      run: async (ids) => {
        const generation = this.#generation;
        const found = await load([...new Set(ids)]);
        return ids.map((id) => this.#keep(id, found.get(id), generation));
      },
      maxBatchWeight: maxIdsPerQuery,
      maxConcurrent: 1,
      maxQueuedWeight: maxWaiting,
    });
  }

  /** The record; undefined when there is none; `unknown` when the database has to be asked. */
  peek(id: string): Value | 'unknown' | undefined {
    if (!this.#watch.isFresh()) return 'unknown';
    return this.#records.get(id) ?? (this.#absent.has(id) ? undefined : 'unknown');
  }

  /** The record; undefined when there is none. @throws what the database answers. */
  async get(id: string): Promise<Value | undefined> {
    if (!this.#watch.isFresh()) await this.#watch.refresh();
    const remembered = this.#records.get(id);
    if (remembered !== undefined || this.#absent.has(id)) return remembered;
    return this.getAnew(id);
  }

  /** The record as the database has it from now on. */
  getAnew(id: string): Promise<Value | undefined> {
    return this.#loading.submit(id);
  }

  #keep(id: string, value: Value | undefined, generation: number): Value | undefined {
    if (generation !== this.#generation) return value;
    if (value === undefined) this.#absent.set(id, true);
    else this.#records.set(id, value);
    return value;
  }

  #forget(): void {
    this.#generation += 1;
    this.#records.clear();
    this.#absent.clear();
  }
}
