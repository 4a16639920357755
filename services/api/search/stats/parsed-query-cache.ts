import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import { LRUCache } from 'lru-cache';
import type { SearchText } from '../query/parse-query.ts';
import type { TextInLanguage } from './lexical.repository.ts';

type Parsed = readonly TextInLanguage[];

export interface ParsedQueryCacheOptions {
  readonly load: (text: SearchText, signal?: AbortSignal) => Promise<Parsed>;
  readonly clock: Clock;
}

const maxEntries = 5000;
/** Longer texts are seldom asked twice, and not worth their room. */
const maxLength = 1000;
// So soon a search notices that messages are indexed by another language.
const maxAgeMs = 30_000;

/** Search texts as the languages of the index parse them: asked again and again for the same text, and for each page. */
export class ParsedQueryCache {
  readonly #load: ParsedQueryCacheOptions['load'];
  readonly #entries: LRUCache<string, Parsed, SearchText>;

  constructor({ load, clock }: ParsedQueryCacheOptions) {
    this.#load = load;
    this.#entries = new LRUCache<string, Parsed, SearchText>({
      max: maxEntries,
      ttl: maxAgeMs,
      ttlResolution: 0,
      perf: { now: () => clock.now().getTime() },
      fetchMethod: (_key, _stale, { context }) => load(context),
      // A text whose place others take meanwhile is parsed all the same.
      ignoreFetchAbort: true,
    });
  }

  /** @param signal cancels the parsing of a text that is not kept for others */
  get(text: SearchText, signal?: AbortSignal): Promise<Parsed> {
    const key = JSON.stringify([text.words, text.phrases, text.required, text.excluded]);
    return key.length > maxLength ? this.#load(text, signal) : this.#entries.forceFetch(key, { context: text });
  }
}
