import { sql, type RawBuilder } from 'kysely';

/** A longer name is no name: it would take the model's window from what was said. */
const maxSpeakerCharacters = 64;

/**
 * Who said a message, as SQL over a row of `message` under the alias: `metadata.speaker`, when that is a text of at most
 * 64 characters; else null.
 */
export function speakerOf(alias: string): RawBuilder<string | null> {
  const metadata = sql.ref(`${alias}.metadata`);
  return sql<string | null>`case when jsonb_typeof(${metadata} -> 'speaker') = 'string'
    and length(${metadata} ->> 'speaker') <= ${sql.lit(maxSpeakerCharacters)} then ${metadata} ->> 'speaker' end`;
}
