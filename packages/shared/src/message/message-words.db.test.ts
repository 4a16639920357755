import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { maxSpeakerCharacters } from './speaker.ts';
import { speakerOf } from './speaker.sql.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
  await sql`
    create function ms_of_message_words(content text) returns double precision language plpgsql as $$
    declare started timestamptz := clock_timestamp();
    begin
      perform message_words(content, '{}', 'english');
      return extract(epoch from clock_timestamp() - started) * 1000;
    end $$`.execute(fixture.db);
});
afterAll(() => fixture.stop());

async function wordsOf(content: string, metadata: object = {}): Promise<string[]> {
  const { rows } = await sql<{ words: string[] }>`
    select tsvector_to_array(message_words(${content}, ${JSON.stringify(metadata)}::jsonb, 'english')) as words
  `.execute(fixture.db);
  return rows[0]?.words ?? [];
}

async function speakerIn(metadata: object): Promise<string | null | undefined> {
  const { rows } = await sql<{ speaker: string | null }>`
    select ${speakerOf('m')} as speaker from (select ${JSON.stringify(metadata)}::jsonb as metadata) m
  `.execute(fixture.db);
  return rows[0]?.speaker;
}

describe('the speaker of a message', () => {
  const longest = '\u{10400}'.repeat(maxSpeakerCharacters);

  test.each([
    ['a name', { speaker: 'Ana' }, 'Ana'],
    ['as many characters as may be, of four bytes', { speaker: longest }, longest],
    ['one character more', { speaker: `${longest}x` }, null],
    ['900 kB', { speaker: 'word '.repeat(180_000) }, null],
    ['no characters', { speaker: '' }, null],
    ['a number', { speaker: 7 }, null],
    ['a list', { speaker: ['Ana'] }, null],
    ['nothing', {}, null],
  ])('%s: the same rule for the index as for all who read it', async (_, metadata, speaker) => {
    expect(await speakerIn(metadata)).toBe(speaker);
    const own = speaker === null ? [] : await wordsOf(speaker);
    expect(await wordsOf('hello', metadata)).toEqual([...new Set([...own, 'hello'])].toSorted());
  });
});

describe('the words of a message', () => {
  const distinctWords = (count: number) =>
    Array.from({ length: count }, (_, n) => `w${n.toString(36)}${'\u{10428}'.repeat(4)}`);

  test('beyond what a tsvector holds are left out, and the first ones are indexed', async () => {
    const words = distinctWords(100_000);
    const indexed = new Set(await wordsOf(words.join(' '), { speaker: 'Ana' }));
    expect(indexed.has('ana')).toBe(true);
    expect(indexed.has(words[0] ?? '')).toBe(true);
    expect(indexed.size).toBeGreaterThan(20_000);
    expect(indexed.size).toBeLessThan(words.length);
  });

  test('are all indexed where they fit', async () => {
    const words = distinctWords(20_000);
    expect(await wordsOf(words.join(' '))).toHaveLength(words.length);
  });

  // PostgreSQL's parser looks ahead from each part to the end of what may be an address: tens of seconds, each of these.
  test.each(['a_', '~/', './', 'e@1', '@1a', '1ex@', 'a1@e', '_a_ea'])(
    'of %s without end cost what other texts do',
    async (unit) => {
      const time = async (text: string) => {
        const { rows } = await sql<{ ms: number }>`select ms_of_message_words(${text}) as ms`.execute(fixture.db);
        return rows[0]?.ms ?? 0;
      };
      const length = 20_000;
      const plain = await least(() => time('My sister Ana moved to Lisbon. '.repeat(length).slice(0, length)));
      const hostile = await least(() => time(unit.repeat(length).slice(0, length)));
      expect(hostile / plain).toBeLessThan(30);
    },
  );

  test('of paths and addresses of a common length are kept whole', async () => {
    const text = 'see https://example.com/docs/a_guide/page.html and ~/notes/to_do.txt or mail ana_m@example.com';
    expect(await wordsOf(text)).toEqual(
      expect.arrayContaining(['example.com/docs/a_guide/page.html', 'ana_m@example.com']),
    );
  });
});

async function least(measure: () => Promise<number>): Promise<number> {
  const all = [await measure(), await measure(), await measure()];
  return Math.min(...all);
}
