import { setTimeout as sleep } from 'node:timers/promises';
import { invalidConfiguration } from '@memory-layer/shared/config/load-config';
import type { Logger } from '@memory-layer/shared/observability/logger';
import { indexName, type SearchLanguageRepository } from './search-language.repository.ts';

export interface SearchLanguageServiceDeps {
  readonly languages: SearchLanguageRepository;
  /** Of the configuration: the name of a text search configuration of PostgreSQL. */
  readonly wanted: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

const batchSize = 200;
const reportEveryMs = 10_000;

/**
 * Keeps messages indexed by the words of one language. When it is changed, messages that come in are in the new one at
 * once, those that are there follow in the background, and searches read their query in both until then.
 */
export function createSearchLanguageService({ languages, wanted, logger, signal }: SearchLanguageServiceDeps) {
  /** Looks at every message once. @returns how many were in another language. */
  async function reindexAll(language: string): Promise<number> {
    const tenants = await languages.listTenants();
    let reportedAt = Date.now();
    let messages = 0;
    for (const [index, tenantId] of tenants.entries()) {
      let afterId: string | undefined;
      do {
        const begun = Date.now();
        const { lastId, changed } = await languages.reindexBatch({ tenantId, afterId, language, limit: batchSize });
        afterId = lastId;
        messages += changed;
        if (Date.now() - reportedAt > reportEveryMs) {
          reportedAt = Date.now();
          logger.info({ language, tenants: tenants.length, tenantsDone: index, messages }, 'reindexing words');
        }
        // At most half of the time: searches and writes go first.
        if (changed > 0) await sleep(Date.now() - begun, undefined, { signal });
      } while (afterId !== undefined);
    }
    return messages;
  }

  return {
    /**
     * Takes up the configured language.
     * @throws ConfigError naming those that there are, when the database does not have it.
     */
    async start(): Promise<void> {
      const configuration = await languages.findByName(wanted);
      if (configuration === undefined) {
        const names = (await languages.listNames()).join(', ');
        throw invalidConfiguration([`MEMORY_SEARCH_LANGUAGE: the database has ${names}`]);
      }
      const language = indexName(configuration);
      const before = await languages.adopt(language);
      if (before !== undefined) logger.warn({ before, language }, 'search language changed: words are reindexed');
    },

    /**
     * Reindexes what is in another language, and forgets that language when nothing is left. Does nothing when
     * another process has taken up a language of its own since: the last one to start decides.
     */
    async reindex(): Promise<void> {
      const old = await languages.listOld();
      if (old.length === 0) return;
      const [language, configuration] = [await languages.findCurrent(), await languages.findByName(wanted)];
      if (language === undefined || configuration === undefined || language !== indexName(configuration)) {
        logger.warn({ language, wanted }, 'another process searches in another language');
        return;
      }
      const messages = await reindexAll(language);
      // Nothing was found in another language, so nothing is left but what was being written meanwhile.
      const isDone = messages === 0 && (await languages.forgetOld());
      logger.info({ language, old, messages, isDone }, 'words reindexed');
    },
  };
}
