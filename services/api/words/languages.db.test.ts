import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWords, type Words } from '../search/sql/testing/words-fixture.ts';
import { languages } from './testing/languages.ts';

const rows = Object.entries(languages).flatMap(([language, own]) => own.map((row) => [language, ...row] as const));

let database: TestDatabase;
let words: Words;
beforeAll(async () => {
  database = await startTestDatabase();
  words = createWords(database.db);
  await words.say(...rows.map(([, , content]) => content));
});
afterAll(() => database.stop());

async function order(query: string, ...contents: readonly string[]): Promise<string[]> {
  const own = createWords(database.db);
  await own.say(...contents.toReversed());
  return (await own.find(query)).map(({ content }) => content);
}

describe('ten languages', () => {
  test.each(rows)('%s: %j finds its message first', async (_, query, content) => {
    const [first] = await words.find(query, { limit: 1 });
    expect(first?.content).toBe(content);
  });
});

describe('one word in several forms', () => {
  test.each([
    ['NFC and NFD', 'Zu\u0308rich', 'Z\u00fcrich is nice'],
    ['full width', 'ABC123', 'code ＡＢＣ１２３ here'],
    ['half width kana', 'カタカナ', 'ｶﾀｶﾅ です'],
    ['ligatures', 'office', 'the oﬃce is closed'],
    ['soft hyphens', 'holiday', 'our holi\u00adday plans'],
    ['characters without width', 'password', 'my pass\u200bword is lost'],
    ['Hebrew points', 'שלום', 'שָׁלוֹם לכולם'],
    ['final sigma', 'οδος', 'ΟΔΟΣ'],
    ['Turkish capitals', 'istanbul', 'İstanbul is large'],
    ['Arabic digits', '1234', 'الرمز ١٢٣٤'],
    ['Persian digits', '۵۶۷', 'کد 567'],
    ['emoji', '👍', 'sounds good 👍'],
    ['emoji with a skin tone', '👍', 'great 👍🏽'],
    ['emoji with a variation selector', '❤', 'love ❤️'],
    ['flags', '🇵🇹', 'moving to 🇵🇹 soon'],
    ['an apostrophe', "O'Brien", 'Mr. O’Brien called'],
  ])('%s', async (_, query, content) => {
    expect(await order(query, content, 'nothing of that')).toEqual([content]);
  });

  test.each([
    ['cafe', ['a cafe nearby', 'a café nearby']],
    ['café', ['a café nearby', 'a cafe nearby']],
    ['日本', ['来年は日本へ行きます', '日曜日に本日の話を']],
    ['東京都', ['東京都に住む', '京都と東の都']],
  ])('%s: the exact form ranks above', async (query, contents) => {
    expect(await order(query, ...contents)).toEqual(contents);
  });
});

test.each([
  ['日本', '来年は日本へ旅行に行きたいです。', '先日の日曜日、本を読んで本日は寝ました。'],
  ['北京', '我妹妹住在北京。', '京剧在北方，京城的北边，北门。'],
])('%s: characters that are often said apart do not rank above the pair', async (query, together, apart) => {
  const own = createWords(database.db);
  await own.say(...Array.from({ length: 20 }, (_, n) => `Something else ${n}.`), apart, together);
  expect((await own.find(query)).map(({ content }) => content)).toEqual([together, apart]);
});

describe('a clause of one word with a mark', () => {
  test.each([
    ['+"C#"', 'we write C# here', 'we write C here'],
    ['+"C++"', 'we write C++ here', 'we write C# here'],
    ['+"@ana"', 'ask @ana about it', 'ask ana about it'],
    ['+".env"', 'edit .env first', 'edit env first'],
    ['here -"C#"', 'we write C here', 'we write C# here'],
  ])('%s', async (query, content, other) => {
    expect(await order(query, content, other)).toEqual([content]);
  });
});

describe('names that are stop words', () => {
  const said = ['We met Will at the harbour.', 'I will call you tomorrow.', 'The harbour will be closed.'];

  test.each(['Where does Will live?', 'Will', 'will'])('%s: what is said of Will is found', async (query) => {
    const found = await order(query, ...said);
    expect(query === 'will' ? found : found.slice(0, 1)).toEqual(said.slice(0, 1));
  });

  test.each(['Will', 'Don', 'May', 'An', 'So'])('%s, who speaks, is found by the name in any case', async (name) => {
    const own = createWords(database.db);
    const content = 'I live near the river.';
    await own.say({ content, metadata: { speaker: name } }, 'The weather is fine.');
    for (const query of [`Where does ${name} live?`, `where does ${name.toLowerCase()} stay`, name]) {
      expect((await own.find(query)).map((found) => found.content)).toEqual([content]);
    }
  });

  test.each([
    ['IT', ['The IT department is on floor 3.', 'It was fine, and it is over.']],
    ['Where is IT?', ['Our new IT is on floor 3.', 'It was fine, and it is over.']],
    ['+"IT" floor', ['IT is on the third floor.', 'It fell to the floor.']],
  ])('%s: an abbreviation is found', async (query, contents) => {
    expect(await order(query, ...contents)).toEqual(contents.slice(0, 1));
  });

  test('what is written in capitals has no abbreviations', async () => {
    expect(await order('IT', 'IT WAS ALL OVER THE FLOOR', 'it was')).toEqual([]);
  });

  test('a stop word that is no name finds nothing', async () => {
    expect(await order('the and of', ...said)).toEqual([]);
  });

  test('a name weighs less than another word', async () => {
    expect((await order('Did Will see the harbour?', 'Near the harbour.', 'It was Will then.')).at(0)).toBe(
      'Near the harbour.',
    );
  });
});

describe('a text that is longer than a tsvector has places', () => {
  const filler = Array.from({ length: 16_500 }, (_, n) => `w${n}`).join(' ');
  const late = `${filler} the violet lighthouse stood there`;

  test('is found by a phrase at its end, and excluded by it', async () => {
    const own = createWords(database.db);
    await own.say(late, 'a lighthouse that is violet');
    const lengths = async (query: string) => (await own.find(query)).map(({ content }) => content.length > 1000);
    expect(await lengths('+"violet lighthouse"')).toEqual([true]);
    expect(await lengths('+"lighthouse violet"')).toEqual([]);
    expect(await lengths('lighthouse -"violet lighthouse"')).toEqual([false]);
  });

  test('and by one that comes after a word said 300 times', async () => {
    const own = createWords(database.db);
    await own.say(`${'error again '.repeat(1300)} error timeout`, 'timeout error');
    expect(await own.find('+"error timeout"')).toHaveLength(1);
  });
});
