import type { Schema } from '@memory-layer/shared/db/schema';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Kysely } from 'kysely';
import { createLexicalQuery, type LexicalQuery } from './lexical-query.ts';
import { createLexicalRepository } from './lexical.repository.ts';
import { toRequirements } from './must-match.ts';
import { weighPhrases } from './phrases.ts';
import { ReadingCache } from './reading-cache.ts';
import type { SearchText } from './search-text.ts';
import { StatisticsCache } from './statistics-cache.ts';
import { weighTerms } from './weigh-terms.ts';

export interface LexicalIndexOptions {
  /** Where texts are read and statistics are taken: the primary or a replica. */
  readonly db: Kysely<Schema>;
  readonly clock: Clock;
  /** Told of statistics that could not be taken anew. */
  readonly onError: (error: Error) => void;
}

export type LexicalIndex = ReturnType<typeof createLexicalIndex>;

// Characters, of one byte mostly.
const maxStatisticsSize = 64_000_000;

/** Turns search texts into queries by words. Asks the database for texts and tenants that it does not know. */
export function createLexicalIndex({ db, clock, onError }: LexicalIndexOptions) {
  const repository = createLexicalRepository(db);
  const readings = new ReadingCache({ load: (text, signal) => repository.read(text, signal), clock });
  const statistics = new StatisticsCache({
    load: (tenantId, signal) => repository.sample(tenantId, signal),
    clock,
    maxSize: maxStatisticsSize,
    onError,
  });

  return {
    async prepare(tenantId: string, text: SearchText, signal?: AbortSignal): Promise<LexicalQuery> {
      const [read, known] = await Promise.all([readings.get(text, signal), statistics.get(tenantId, signal)]);
      const terms = await weighTerms([...new Set(read.flatMap((reading) => reading.terms))], known);
      return createLexicalQuery({
        tenantId,
        terms,
        phrases: weighPhrases(read, terms),
        requirements: toRequirements(text, read),
        statistics: known,
      });
    },
  };
}
