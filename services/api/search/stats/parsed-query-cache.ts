import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { SearchText } from '../query/parse-query.ts';
import type { TextInLanguage } from './lexical.repository.ts';

export interface ParsedQueryCacheOptions {
  readonly load: (text: SearchText, signal?: AbortSignal) => Promise<readonly TextInLanguage[]>;
  readonly clock: Clock;
}

interface Entry {
  readonly parsed: Promise<readonly TextInLanguage[]>;
  readonly staleAt: number;
}

const maxEntries = 5000;
/** Longer texts are seldom asked twice, and not worth their room. */
const maxLength = 1000;
// So soon a search notices that messages are indexed by another language.
const maxAgeMs = 30_000;

/** Search texts as the languages of the index parse them: asked again and again for the same text, and for each page. */
export class ParsedQueryCache {
  readonly #options: ParsedQueryCacheOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ParsedQueryCacheOptions) {
    this.#options = options;
  }

  /** @param signal cancels the parsing of a text that is not kept for others */
  get(text: SearchText, signal?: AbortSignal): Promise<readonly TextInLanguage[]> {
    const key = JSON.stringify([text.words, text.phrases, text.required, text.excluded]);
    if (key.length > maxLength) return this.#options.load(text, signal);
    const now = this.#options.clock.now().getTime();
    const known = this.#entries.get(key);
    this.#entries.delete(key);
    const entry = known && now < known.staleAt ? known : { parsed: this.#options.load(text), staleAt: now + maxAgeMs };
    this.#entries.set(key, entry);
    entry.parsed.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > maxEntries) this.#entries.delete(oldest);
    return entry.parsed;
  }
}
