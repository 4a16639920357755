import { sql, type RawBuilder } from 'kysely';

/** The rule of `message_words` in the database, which indexes the speaker's words. */
const maxSpeakerCharacters = 256;

/**
 * Who said a message, as SQL over a row of `message` under the alias: `metadata.speaker`, when that is a text of 1 to 256
 * characters; else null. Anything else under that name is metadata like any other: stored, and no speaker.
 */
export function speakerOf(alias: string): RawBuilder<string | null> {
  const metadata = sql.ref(`${alias}.metadata`);
  return sql<string | null>`case when jsonb_typeof(${metadata} -> 'speaker') = 'string'
    and length(${metadata} ->> 'speaker') between 1 and ${sql.lit(maxSpeakerCharacters)} then ${metadata} ->> 'speaker' end`;
}
