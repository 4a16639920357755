import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { itemDelimiter, quoteTerm, speakerName, toName } from '../../words/message-index.ts';
import { readWords } from '../../words/text-words.ts';
import type { SearchText } from '../query/parse-query.ts';
import { delimiters, type MessageSample } from './term-statistics.ts';

/** A search text in one of the languages that messages are indexed by. */
export interface TextInLanguage {
  readonly terms: readonly string[];
  /** Stop words that may be names, as the index has them. */
  readonly names: readonly string[];
  /** Each phrase as a tsquery; empty when the language has none of its words. */
  readonly phrases: readonly string[];
  readonly required: readonly string[];
  readonly excluded: readonly string[];
}

export type LexicalRepository = ReturnType<typeof createLexicalRepository>;

const sampleSize = 4096;
// What is looked through for a word in some milliseconds, however long the messages are.
const sampleBytes = 4 * 2 ** 20;
/** Messages whose ids a sample reads: more are estimated. */
const maxCounted = 2 ** 18;

/** The texts as queries of phrases, in the language of the row `l`. */
function phraseQueries(texts: readonly string[]): RawBuilder<string[]> {
  return sql`array(
    select phraseto_tsquery(l.configuration::regconfig, t)::text
    from unnest(${texts.map((text) => readWords(text).words.join(' '))}::text[]) with ordinality as given (t, n) order by n)`;
}

const emoji = /\p{Extended_Pictographic}|\p{RI}/u;

/**
 * The clause as a tsquery. A clause without words has emoji, or is a stop word that is a name. Of one word with a mark,
 * such as `C#` or `@ana`, the mark counts.
 */
function toClause(text: string, phrase: string, names: readonly string[]): string {
  const { words, exact } = readWords(text);
  const marked = words.length === 1 ? text.trim().toLowerCase() : undefined;
  const marks = exact.filter((item) => item === marked || emoji.test(item)).map(quoteTerm);
  if (phrase !== '') return [phrase.includes('<') ? `(${phrase})` : phrase, ...marks].join(' & ');
  return names.includes(asName(text)) ? quoteTerm(asName(text)) : marks.join(' & ');
}

/** A word that is written like a name. */
const name = /^\p{Lu}\p{Ll}{1,15}$/u;

/** An abbreviation as the index has it where it is a stop word. */
function asName(clause: string): string {
  return /^\p{Lu}{2,4}$/u.test(clause) ? toName(clause) : clause;
}

// A query has few words that may be names.
const maxNames = 64;

export function createLexicalRepository(db: Kysely<Schema>) {
  return {
    /** The text as each language parses it: more than one while messages are indexed again. */
    async parse(text: SearchText, signal?: AbortSignal): Promise<TextInLanguage[]> {
      const read = readWords(text.words);
      const asNames = read.words.map(toName).filter((word) => name.test(word));
      const named = [...new Set([...read.names, ...asNames.map(speakerName)])].slice(0, maxNames);
      const clauseNames = [...text.required, ...text.excluded].map(asName).filter((clause) => name.test(clause));
      const alone = [...new Set([...clauseNames, ...asNames])].slice(0, maxNames);
      const result = await sql<TextInLanguage & { readonly alone: readonly string[] }>`
        select tsvector_to_array(index_words(${read.words.join(' ')}, ${read.parts.join(itemDelimiter) || null}, null, null,
                                             l.configuration)) as terms,
               stop_words(${named}::text[], l.configuration::regconfig) as names,
               stop_words(${alone}::text[], l.configuration::regconfig) as alone,
               ${phraseQueries(text.phrases)} as phrases, ${phraseQueries(text.required)} as required,
               ${phraseQueries(text.excluded)} as excluded
        from search_language l order by l.state, l.language`.execute(db, cancelledBy(signal));
      return result.rows.map((row) => {
        const terms = [...row.terms, ...read.exact];
        return {
          terms,
          names: terms.length === 0 ? [...row.names, ...row.alone] : row.names,
          phrases: row.phrases,
          required: row.required.map((phrase, index) => toClause(text.required[index] ?? '', phrase, row.alone)),
          excluded: row.excluded.map((phrase, index) => toClause(text.excluded[index] ?? '', phrase, row.alone)),
        };
      });
    },

    /**
     * A sample of the tenant's messages, up to 4 096 of them and 4 MiB of content: all when there are no more. Which ones
     * follows from their ids, so that every process takes the same. Of the newest quarter of a million, whose ids are
     * read: of how many they are a part is then the planner's estimate.
     */
    async sample(tenantId: string, signal?: AbortSignal): Promise<MessageSample> {
      const { word, message } = delimiters;
      const { rows } = await sql<MessageSample>`
        with newest as materialized (
          select id from message where tenant_id = ${tenantId} order by id desc limit ${sql.lit(maxCounted)}
        ),
        size as materialized (select count(*)::int as messages from newest),
        -- All but the last so many bits are asked to be 0: as few as keep the sample below its size.
        share as materialized (select power(2, ceil(log(2, greatest(1, messages / ${sampleSize}::numeric))))::int - 1 as mask from size),
        taken as materialized (
          select array_agg(id) as ids from newest where uuid_hash(id) & (select mask from share) = 0
        ),
        -- In an order that says nothing of their time or length, until there is enough of them.
        measured as materialized (
          select id, sum(octet_length(content)) over (order by uuid_hash(id), id) - octet_length(content) as bytes_before
          from message where tenant_id = ${tenantId} and id = any((select ids from taken)::uuid[])
        ),
        read as materialized (select array_agg(id) as ids from measured where bytes_before < ${sql.lit(sampleBytes)})
        select (select messages from size) as messages, count(*)::int as sampled,
               coalesce(sum(length(m.search_vector)), 0)::int as words,
               coalesce(string_agg(
                 ${message + word} || array_to_string(tsvector_to_array(m.search_vector), ${word}) || ${word}, ''), '') as text
        from message m where m.tenant_id = ${tenantId} and m.id = any((select ids from read)::uuid[])`.execute(
        db,
        cancelledBy(signal),
      );
      const sample = rows[0] ?? { messages: 0, sampled: 0, words: 0, text: '' };
      if (sample.messages < maxCounted) return sample;
      return { ...sample, messages: Math.max(sample.messages, await estimateMessages(tenantId)) };
    },
  };

  /** What the planner takes the tenant's messages for, which autovacuum has counted: nothing is read. */
  async function estimateMessages(tenantId: string): Promise<number> {
    const { rows } = await sql<{ 'QUERY PLAN': readonly { Plan: { 'Plan Rows': number } }[] }>`
      explain (format json) select from message where tenant_id = ${tenantId}`.execute(db);
    return rows[0]?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0;
  }
}
