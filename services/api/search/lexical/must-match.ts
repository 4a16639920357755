import { sql, type RawBuilder } from 'kysely';
import type { TextInLanguage } from './lexical.repository.ts';
import { inAnyLanguage } from './phrases.ts';
import type { SearchText } from './search-text.ts';

/** What a hit must have, and must not have, as conditions on its words. */
export interface Requirements {
  /** A tsquery that all hits match. */
  readonly required: string | undefined;
  /** A tsquery that no hit matches. */
  readonly excluded: string | undefined;
  /** Texts without a single indexed word, such as phrases of stop words: looked for in the content itself. */
  readonly requiredTexts: readonly string[];
  readonly excludedTexts: readonly string[];
}

export function toRequirements(text: SearchText, readings: readonly TextInLanguage[]): Requirements {
  const required = text.required.map((_, index) => inAnyLanguage(readings, (reading) => reading.required[index]));
  const excluded = text.excluded.map((_, index) => inAnyLanguage(readings, (reading) => reading.excluded[index]));
  return {
    required: joined(required, ' & '),
    excluded: joined(excluded, ' | '),
    requiredTexts: wordless(text.required, required),
    excludedTexts: wordless(text.excluded, excluded),
  };
}

function wordless(texts: readonly string[], queries: readonly string[]): string[] {
  return texts.filter((one, index) => queries[index] === '' && /[\p{L}\p{N}]/u.test(one));
}

function joined(queries: readonly string[], operator: string): string | undefined {
  const given = queries.filter((query) => query !== '');
  return given.length === 0 ? undefined : given.map((query) => `(${query})`).join(operator);
}

/** Undefined when everything passes. */
export function mustMatch(requirements: Requirements, alias: string): RawBuilder<boolean> | undefined {
  const vector = sql.ref(`${alias}.search_vector`);
  const content = sql.ref(`${alias}.content`);
  const { required, excluded, requiredTexts, excludedTexts } = requirements;
  const conditions: RawBuilder<boolean>[] = [];
  if (required !== undefined) conditions.push(sql`${vector} @@ ${required}::tsquery`);
  if (excluded !== undefined) conditions.push(sql`not ${vector} @@ ${excluded}::tsquery`);
  if (requiredTexts.length > 0) conditions.push(sql`${content} ~* all(${requiredTexts.map(toPattern)}::text[])`);
  if (excludedTexts.length > 0) conditions.push(sql`not ${content} ~* any(${excludedTexts.map(toPattern)}::text[])`);
  return conditions.length === 0 ? undefined : sql`(${sql.join(conditions, sql` and `)})`;
}

/** Whole words with anything but words between them, as a regular expression of PostgreSQL. */
function toPattern(text: string): string {
  const words = text.match(/[\p{L}\p{N}]+/gu) ?? [];
  return `\\m${words.join('[^[:alnum:]]+')}\\M`;
}
