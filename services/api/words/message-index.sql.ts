import { sql, type RawBuilder } from 'kysely';
import { itemDelimiter, type MessageIndex } from './message-index.ts';

/** The parts of messages' indexes as columns of an `unnest`. */
export const indexInput = {
  names: sql.raw('words, parts, exact, names, passages'),
  values(indexes: readonly MessageIndex[]): RawBuilder<unknown> {
    const column = (part: keyof MessageIndex) => sql`${indexes.map((index) => index[part])}::text[]`;
    return sql.join([column('words'), column('parts'), column('exact'), column('names'), column('passages')]);
  },
};

/** The columns of `message` that a search by words reads. */
export const indexColumns = {
  names: sql.raw('search_language, search_vector, search_passages'),
  /**
   * @param input alias of rows of {@link indexInput}
   * @param language alias of a row of `search_language`
   * @param content alias of rows that have the content
   */
  of(input: string, language: string, content = input): RawBuilder<unknown> {
    const part = (name: keyof MessageIndex) => sql.ref(`${input}.${name}`);
    const configuration = sql.ref(`${language}.configuration`);
    const vector = sql`index_words(coalesce(${part('words')}, ${sql.ref(`${content}.content`)}), ${part('parts')}, ${part('exact')}, ${part('names')}, ${configuration})`;
    const passages = sql`case when ${part('passages')} is not null then array(
      select to_tsvector(${configuration}::regconfig, passage)
      from unnest(string_to_array(${part('passages')}, ${sql.lit(itemDelimiter)})) with ordinality as split (passage, n)
      order by n) end`;
    return sql`${sql.ref(`${language}.language`)}, ${vector}, ${passages}`;
  },
};
