/** An item that waits for its batch. */
export interface Waiting<Item, Result> {
  readonly item: Item;
  readonly key: string;
  readonly weight: number;
  readonly weightInBatch: number;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

interface KeyQueue<Item, Result> {
  readonly entries: Set<Waiting<Item, Result>>;
  weight: number;
  /** What the key may take in its turn: its quanta, less what it took. */
  deficit: number;
}

interface Seen {
  readonly key: string;
  readonly at: number;
}

/** Queues of keys that take turns: the one whose turn is next comes first. */
export class KeyQueues<Item, Result> {
  readonly #maxBatchWeight: number;
  readonly #quantum: number;
  readonly #queues = new Map<string, KeyQueue<Item, Result>>();
  /** The key that came last, and the one before it: enough to know whether a key is alone. */
  #latest: Seen | undefined;
  #latestOther: Seen | undefined;
  size = 0;
  weight = 0;
  weightInBatch = 0;

  constructor(maxBatchWeight: number, quantum: number) {
    this.#maxBatchWeight = maxBatchWeight;
    this.#quantum = quantum;
  }

  keys(): string[] {
    return [...this.#queues.keys()];
  }

  weightOf(key: string): number {
    return this.#queues.get(key)?.weight ?? 0;
  }

  /** Whether items of another key came within this time. */
  hasSeenOthers(key: string, withinMs: number): boolean {
    const other = this.#latest?.key === key ? this.#latestOther : this.#latest;
    return other !== undefined && other.at > performance.now() - withinMs;
  }

  push(entry: Waiting<Item, Result>): void {
    const queue = this.#queues.get(entry.key) ?? { entries: new Set(), weight: 0, deficit: 0 };
    this.#queues.set(entry.key, queue);
    queue.entries.add(entry);
    queue.weight += entry.weight;
    this.size += 1;
    this.weight += entry.weight;
    this.weightInBatch += entry.weightInBatch;
    this.#see(entry.key);
  }

  /** @returns whether it still waited. */
  remove(entry: Waiting<Item, Result>): boolean {
    const queue = this.#queues.get(entry.key);
    if (queue?.entries.delete(entry) !== true) return false;
    queue.weight -= entry.weight;
    this.size -= 1;
    this.weight -= entry.weight;
    this.weightInBatch -= entry.weightInBatch;
    if (queue.entries.size === 0) this.#queues.delete(entry.key);
    return true;
  }

  /**
   * The next batch: of one key alone as much as a batch may weigh, of several keys a quantum of each in turn. An item
   * that weighs more than its key has saved waits for later turns of its key while others have theirs.
   *
   * @param mayTake whether a key may go now; where none may, nothing is taken.
   */
  take(mayTake: (key: string) => boolean): Waiting<Item, Result>[] {
    const keys = this.keys().filter((key) => mayTake(key));
    const batch: Waiting<Item, Result>[] = [];
    let left = this.#maxBatchWeight;
    const quantum = keys.length === 1 ? Number.POSITIVE_INFINITY : this.#quantum;
    while (batch.length === 0 && keys.length > 0) {
      for (const key of keys) {
        const taken = this.#takeOf(key, quantum, left, batch.length === 0);
        for (const entry of taken) left -= entry.weightInBatch;
        batch.push(...taken);
        if (left <= 0) break;
      }
    }
    return batch;
  }

  #takeOf(key: string, quantum: number, left: number, isFirst: boolean): Waiting<Item, Result>[] {
    const queue = this.#queues.get(key);
    if (queue === undefined) return [];
    queue.deficit += quantum;
    const taken: Waiting<Item, Result>[] = [];
    let room = left;
    for (const entry of queue.entries) {
      const fits = entry.weightInBatch <= room || (isFirst && taken.length === 0);
      if (!fits || entry.weightInBatch > queue.deficit) break;
      queue.deficit -= entry.weightInBatch;
      room -= entry.weightInBatch;
      taken.push(entry);
      this.remove(entry);
    }
    // An item that only found no room keeps the place of its key, and so comes first in the next batch.
    const [first] = queue.entries;
    if (taken.length === 0 && first !== undefined && first.weightInBatch <= queue.deficit) {
      queue.deficit = first.weightInBatch;
      return taken;
    }
    // To the end of the line. What is saved is kept while its next item waits, and no more than that item needs.
    if (this.#queues.delete(key) && queue.entries.size > 0) {
      const [next] = queue.entries;
      queue.deficit = Math.min(queue.deficit, next?.weightInBatch ?? 0);
      this.#queues.set(key, queue);
    }
    return taken;
  }

  #see(key: string): void {
    const at = performance.now();
    if (this.#latest?.key !== key) this.#latestOther = this.#latest;
    this.#latest = { key, at };
  }
}
