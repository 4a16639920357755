import { LRUCache } from 'lru-cache';
import type { SplitTexts } from './split-texts.ts';
import { unpackRows } from './packed-rows.ts';

const keptPassages = 4096;

/** Token ids of passages that were split just now and are about to be embedded: nothing is tokenised twice. */
export class KnownRows {
  readonly #rows = new LRUCache<string, Int32Array>({ max: keptPassages });

  get(passage: string): Int32Array | undefined {
    return this.#rows.get(passage);
  }

  remember({ texts, rows }: SplitTexts): void {
    const inOrder = unpackRows(rows).values();
    for (const text of texts) {
      for (const passage of 'passages' in text ? text.passages : []) {
        const { value } = inOrder.next();
        if (value) this.#rows.set(passage, value);
      }
    }
  }
}
