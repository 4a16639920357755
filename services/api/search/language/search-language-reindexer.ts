import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { SearchLanguageRepository } from './search-language.repository.ts';
import { createSearchLanguageService } from './search-language.service.ts';

export interface SearchLanguageReindexerOptions {
  readonly languages: SearchLanguageRepository;
  /** Name of a text search configuration of PostgreSQL. */
  readonly language: string;
  readonly everyMs: number;
  readonly logger: Logger;
}

/**
 * Takes up the configured language, then reindexes in the background what is in another one.
 * `start` throws ConfigError when the database does not have the language.
 */
export function createSearchLanguageReindexer(options: SearchLanguageReindexerOptions): Component {
  const { languages, language, everyMs, logger } = options;
  const stopping = new AbortController();
  const service = createSearchLanguageService({ languages, wanted: language, logger, signal: stopping.signal });
  const task = createRepeatingTask({
    id: 'search-language',
    run: () => service.reindex(),
    everyMs,
    onError: (error) => {
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'words not reindexed: trying again');
    },
  });
  let firstRound: Promise<void> | undefined;
  return {
    id: task.id,
    async start() {
      await service.start();
      // Not waited for: there may be hours of it.
      firstRound = task.start();
    },
    async stop() {
      stopping.abort();
      await task.stop();
      await firstRound;
    },
  };
}
