import { sql, type RawBuilder } from 'kysely';
import type { TextInLanguage } from './lexical.repository.ts';
import { inAnyLanguage, wordsIn } from './phrases.ts';
import type { SearchText } from './search-text.ts';

/** What a hit must have, and must not have, as conditions on its words. */
export interface Requirements {
  /** A tsquery that all hits match. */
  readonly required: string | undefined;
  /** A tsquery that no hit matches. */
  readonly excluded: string | undefined;
  /** Words of both together: what comparing them with a message costs. */
  readonly words: number;
}

/**
 * Words that are not indexed, stop words above all, require and exclude nothing: to look for them would take reading
 * the content of every message.
 */
export function toRequirements(text: SearchText, readings: readonly TextInLanguage[]): Requirements {
  const required = text.required.map((_, index) => inAnyLanguage(readings, (reading) => reading.required[index]));
  const excluded = text.excluded.map((_, index) => inAnyLanguage(readings, (reading) => reading.excluded[index]));
  const ofLanguages = readings.map((reading) =>
    [...reading.required, ...reading.excluded].reduce((sum, query) => sum + wordsIn(query), 0),
  );
  return {
    required: joined(required, ' & '),
    excluded: joined(excluded, ' | '),
    words: Math.max(0, ...ofLanguages),
  };
}

function joined(queries: readonly string[], operator: string): string | undefined {
  const given = queries.filter((query) => query !== '');
  return given.length === 0 ? undefined : given.map((query) => `(${query})`).join(operator);
}

/** Undefined when everything passes. */
export function mustMatch({ required, excluded }: Requirements, alias: string): RawBuilder<boolean> | undefined {
  const vector = sql.ref(`${alias}.search_vector`);
  const conditions: RawBuilder<boolean>[] = [];
  if (required !== undefined) conditions.push(sql`${vector} @@ ${required}::tsquery`);
  if (excluded !== undefined) conditions.push(sql`not ${vector} @@ ${excluded}::tsquery`);
  return conditions.length === 0 ? undefined : sql`(${sql.join(conditions, sql` and `)})`;
}
