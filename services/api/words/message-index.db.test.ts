import { maxSpeakerCharacters } from '@memory-layer/shared/message/speaker';
import { speakerOf } from '@memory-layer/shared/message/speaker.sql';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { indexMessage, itemDelimiter } from './message-index.ts';
import { indexColumns, indexInput } from './message-index.sql.ts';
import { readProse, readWords } from './text-words.ts';

let fixture: TestDatabase;
beforeAll(async () => {
  fixture = await startTestDatabase();
});
afterAll(() => fixture.stop());

async function wordsOf(content: string, metadata: Readonly<Record<string, unknown>> = {}): Promise<string[]> {
  const { rows } = await sql<{ words: string[] }>`
    select tsvector_to_array(indexed.vector) as words
    from search_language l, (select ${content} as content) message,
         unnest(${indexInput.values([indexMessage({ role: 'user', content, metadata })])}) as given (${indexInput.names}),
         lateral (select ${indexColumns.of('given', 'l', 'message')}) as indexed (language, vector, passages)
    where l.state = 'current'`.execute(fixture.db);
  return rows[0]?.words ?? [];
}

async function speakerIn(metadata: Readonly<Record<string, unknown>>): Promise<string | null | undefined> {
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
    Array.from({ length: count }, (_, n) => `${'\u{10428}'.repeat(4)}${lettersOf(n)}`);

  test('beyond what a tsvector holds are left out, and the first ones are indexed', async () => {
    const words = distinctWords(100_000);
    const indexed = new Set(await wordsOf(words.join(' '), { speaker: 'Ana' }));
    expect(indexed.has('ana')).toBe(true);
    expect(indexed.has(words[0] ?? '')).toBe(true);
    expect(indexed.size).toBeGreaterThan(20_000);
    expect(indexed.size).toBeLessThan(words.length);
  });

  test.each([200_000, 200_001, 200_002])('and so are items of lists, as a whole: %i items', async (count) => {
    const { rows } = await sql<{ items: number; cut: number }>`
      with given as (select string_agg('item ' || n, ${itemDelimiter}::text order by n) as list from generate_series(1, ${count}::int) n)
      select count(*)::int as items, count(*) filter (where item !~ '^item \\d+$' or item > 'item 999999')::int as cut
      from given, unnest(tsvector_to_array(index_words('word', null, list, null, 'english'))) item
      where item <> 'word'`.execute(fixture.db);
    expect(rows[0]?.cut).toBe(0);
    expect(rows[0]?.items).toBe(Math.floor(count / 2));
  });

  test('are all indexed where they fit', async () => {
    const words = distinctWords(20_000);
    expect(await wordsOf(words.join(' '))).toHaveLength(words.length);
  });

  // A parser that looks ahead from each part to the end of what may be an address takes tens of seconds for these.
  test.each(['a_', '~/', './', 'e@1', '@1a', '1ex@', 'a1@e', '_a_ea', 'aB', '1 ', '日', 'é'])(
    'of %s without end cost what other texts do',
    async (unit) => {
      const time = async (text: string) => {
        const begun = performance.now();
        await wordsOf(text);
        return performance.now() - begun;
      };
      const length = 20_000;
      const plain = await least(() => time('My sister Ana moved to Lisbon. '.repeat(length).slice(0, length)));
      const hostile = await least(() => time(unit.repeat(length).slice(0, length)));
      expect(hostile / plain).toBeLessThan(30);
    },
  );

  test('of prose are what PostgreSQL takes it for', async () => {
    const unit = fc.constantFrom(...'abzAEZ0159 .,!?;:\'"()\n\t'.split(''), 'Will ', "don't ", '5. ', 'e.g. ', '1e5 ');
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(unit, { maxLength: 40 }), async (units) => {
        const content = units.join('');
        const prose = readProse(content, 1000);
        if (prose === undefined) return;
        plain += 1;
        const read = readWords(content);
        const { words: _, ...beside } = read;
        expect(prose).toMatchObject(beside);
        const { rows } = await sql<{ isSame: boolean }>`
          select to_tsvector('english', ${content}) = to_tsvector('english', ${read.words.join(' ')}) as "isSame"`.execute(
          fixture.db,
        );
        expect(rows).toEqual([{ isSame: true }]);
      }),
      { numRuns: 400 },
    );
    expect(plain).toBeGreaterThan(50);
  });

  test('are kept apart from those of the speaker, whose name is no word of a phrase', async () => {
    expect(await wordsOf('hello there', { speaker: 'Will Smith' })).toEqual(['@Will', 'Will', 'hello', 'smith']);
  });
});

/** Without digits, which are words beside letters. */
function lettersOf(n: number): string {
  return Array.from(String(n), (figure) => 'bcfgjkmpqv'.charAt(Number(figure))).join('');
}

async function least(measure: () => Promise<number>): Promise<number> {
  const all = [await measure(), await measure(), await measure()];
  return Math.min(...all);
}
