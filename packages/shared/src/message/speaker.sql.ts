import { sql, type RawBuilder } from 'kysely';
import { maxSpeakerCharacters } from './speaker.ts';

/**
 * Who said a message, as SQL over a row of `message` under the alias: `metadata.speaker`, when that is a text of at least one
 * and at most {@link maxSpeakerCharacters} characters; else null. Anything else under that name is metadata like any other: stored, and no speaker.
 */
export function speakerOf(alias: string): RawBuilder<string | null> {
  const metadata = sql.ref(`${alias}.metadata`);
  return sql<string | null>`case when jsonb_typeof(${metadata} -> 'speaker') = 'string'
    and length(${metadata} ->> 'speaker') between 1 and ${sql.lit(maxSpeakerCharacters)} then ${metadata} ->> 'speaker' end`;
}
