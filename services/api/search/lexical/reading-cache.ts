import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { TextInLanguage } from './lexical.repository.ts';
import type { SearchText } from './search-text.ts';

export interface ReadingCacheOptions {
  readonly load: (text: SearchText, signal?: AbortSignal) => Promise<readonly TextInLanguage[]>;
  readonly clock: Clock;
}

interface Entry {
  readonly reading: Promise<readonly TextInLanguage[]>;
  readonly staleAt: number;
}

const maxEntries = 5000;
/** Longer texts are seldom asked twice, and not worth their room. */
const maxLength = 1000;
// So soon a search notices that messages are indexed by another language.
const maxAgeMs = 30_000;

/** How search texts read in the languages of the index: asked again and again for the same text, and for each page. */
export class ReadingCache {
  readonly #options: ReadingCacheOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ReadingCacheOptions) {
    this.#options = options;
  }

  /** @param signal ends the reading of a text that is not kept for others */
  get(text: SearchText, signal?: AbortSignal): Promise<readonly TextInLanguage[]> {
    const key = JSON.stringify([text.words, text.phrases, text.required, text.excluded]);
    if (key.length > maxLength) return this.#options.load(text, signal);
    const now = this.#options.clock.now().getTime();
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const entry = known && now < known.staleAt ? known : { reading: this.#options.load(text), staleAt: now + maxAgeMs };
    this.#entries.set(key, entry);
    entry.reading.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > maxEntries) this.#entries.delete(oldest);
    return entry.reading;
  }
}
