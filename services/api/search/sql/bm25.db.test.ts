import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planWords } from '../plan/lexical-plan.ts';
import { planTenant } from '../plan/search-plan.ts';
import { idf } from '../stats/term-statistics.ts';
import { wordCandidates } from './lexical.sql.ts';
import { tenantSql } from './tenant.sql.ts';
import { createWords, type Words } from './testing/words-fixture.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const contentsOf = (found: readonly { readonly content: string }[]) => found.map(({ content }) => content);

async function memory(...contents: readonly string[]): Promise<Words> {
  const words = createWords(database.db);
  await words.say(...contents);
  return words;
}

/**
 * BM25 as the book has it, k1 = 1.2; the length of a text is its number of different words. b grows from 0.4 to 0.65 with
 * the spread of the lengths, from half of their mean to all of it.
 */
function bm25Of(words: readonly string[], query: readonly string[], texts: readonly (readonly string[])[]): number {
  const lengths = texts.map((text) => new Set(text).size);
  const average = lengths.reduce((sum, length) => sum + length, 0) / texts.length;
  const variance = lengths.reduce((sum, length) => sum + (length - average) ** 2, 0) / lengths.length;
  const b = 0.4 + 0.25 * Math.min(1, Math.max(0, 2 * (Math.sqrt(variance) / average - 0.5)));
  return query.reduce((sum, term) => {
    const times = words.filter((word) => word === term).length;
    const having = texts.filter((text) => text.includes(term)).length;
    const length = 1.2 * (1 - b + (b * new Set(words).size) / average);
    return sum + (idf(texts.length, having) * times * 2.2) / (times + length);
  }, 0);
}

describe('the score', () => {
  test('is BM25, however often a word is repeated', async () => {
    const texts = [
      ['fox'],
      ['fox', 'fox', 'owl'],
      ['owl', 'elk', 'elk', 'elk', 'ant'],
      [...Array<string>(40).fill('fox'), ...Array<string>(7).fill('elk')],
      [...Array<string>(300).fill('owl'), 'fox'],
      ['bat'],
    ];
    const words = await memory(...texts.map((text) => text.join(' ')));
    const query = ['fox', 'elk', 'owl'];
    const found = await words.scan(query.join(' '));
    expect(found).toHaveLength(texts.length);
    for (const { content, score } of found) {
      // ts_rank counts no more than 255 places of a word.
      const counted = content.split(' ').filter((word, at, all) => word !== 'owl' || at < 255 || all.length < 255);
      expect(score).toBeCloseTo(bm25Of(counted, query, texts), 6);
    }
  });

  test('of candidates is that of any message', async () => {
    const words = await memory('red fox', 'red red owl', 'blue', 'red fox and owl');
    const scanned = await words.scan('red fox');
    expect(contentsOf(await words.find('red fox'))).toEqual(contentsOf(scanned.filter(({ score }) => score > 0)));
    expect(scanned.filter(({ score }) => score === 0).map(({ content }) => content)).toEqual(['blue']);
  });
});

describe('a message ranks higher', () => {
  test('for a rarer word', async () => {
    const words = await memory('marmots sleep', 'dogs sleep', 'dogs bark', 'dogs eat');
    expect(contentsOf(await words.find('dogs and marmots'))[0]).toBe('marmots sleep');
  });

  test('for more of the words, though any of them is enough', async () => {
    const words = await memory('a green boat', 'a green car', 'a red car', 'nothing');
    const [first, ...others] = contentsOf(await words.find('green car'));
    expect(first).toBe('a green car');
    expect(others.toSorted()).toEqual(['a green boat', 'a red car']);
  });

  test('for the same words in a shorter text', async () => {
    const words = await memory('the garden in a long summer with rain and roses', 'the garden');
    expect(contentsOf(await words.find('garden'))[0]).toBe('the garden');
  });

  test('for a word said again', async () => {
    const words = await memory('rain, wind and rain', 'rain, wind and snow and sun');
    expect(contentsOf(await words.find('rain'))[0]).toBe('rain, wind and rain');
  });
});

describe('words', () => {
  test('are found by their stem, and common ones left out', async () => {
    const words = await memory('She was running through the gardens', 'the of and');
    expect(contentsOf(await words.find('the run in a garden'))).toEqual(['She was running through the gardens']);
  });

  test('of nothing but stop words find nothing by words', async () => {
    const words = await memory('the of and');
    expect((await words.prepare('the of and')).terms).toEqual([]);
    expect(await words.find('the of and')).toEqual([]);
  });

  test.each([
    ['<Button> and <a href="x">', 'button'],
    ['5<six>7', 'six'],
    ['mail to ann@example.com', 'ann@example.com'],
    ['see https://example.com/path?x=1 now', 'example.com'],
    ['a well-known fact', 'well-known'],
    ['a well-known fact', 'known'],
    ["it's a \\wall\\ & | !gate <-> (path):*", "it's & \\wall\\ | (gate) : * !"],
    ['grüße aus köln', 'KÖLN'],
    ['я люблю чай', 'чай'],
    ['東京タワーに行きました', '東京'],
    ['我们喜欢北京的秋天', '北京'],
    ['我们喜欢北京的秋天', '"北京的"'],
    ['press <Save> now', '"press <save>"'],
  ])('in %j are found by %j', async (content, query) => {
    const words = await memory('another message', content);
    expect(contentsOf(await words.find(query))[0]).toBe(content);
  });

  test('of who speaks count as words of the message', async () => {
    const words = createWords(database.db);
    await words.say(
      { content: 'I like tea', metadata: { speaker: 'Ann Lee' } },
      { content: 'I like tea too', metadata: { speaker: 5 } },
    );
    expect(contentsOf(await words.find('what does Ann like'))[0]).toBe('I like tea');
    expect(await words.find('5')).toEqual([]);
    // But not as what was said.
    expect(await words.find('"tea Ann"')).toEqual([]);
  });

  test('of a very long query are the ones that tell most', async () => {
    const words = await memory('a marmot', ...Array.from({ length: 20 }, (_, n) => `number${lettersOf(n)}`));
    const query = `${Array.from({ length: 500 }, (_, n) => `unknown${lettersOf(n)}`).join(' ')} marmot numberp`;
    expect(contentsOf(await words.find(query)).toSorted()).toEqual(['a marmot', 'numberp']);
  });

  test('of another tenant are not found, and do not count', async () => {
    const other = await memory('secret marmot', 'marmot', 'marmot');
    const words = await memory('my own marmot', 'my own dog', 'my own dog too');
    expect(contentsOf(await words.find('marmot dog'))[0]).toBe('my own marmot');
    expect(contentsOf(await words.find('secret'))).toEqual([]);
    expect(contentsOf(await other.find('own'))).toEqual([]);
  });
});

/** Without digits, which are words beside letters. */
function lettersOf(n: number): string {
  return Array.from(String(n), (figure) => 'bcfgjkmpqv'.charAt(Number(figure))).join('');
}

describe('phrases and exclusions', () => {
  let words: Words;
  beforeAll(async () => {
    words = await memory('the red car', 'the car is red', 'a red boat', 'to be or not to be', 'or else');
  });

  test('in quotes are required where there is nothing else, word by word', async () => {
    expect(contentsOf(await words.find('"red car"'))).toEqual(['the red car']);
    expect(contentsOf(await words.find('"red" "boat"'))).toEqual(['a red boat']);
    expect(contentsOf(await words.find('"blue car"'))).toEqual([]);
  });

  test('in quotes are required after a plus', async () => {
    expect(contentsOf(await words.find('+"red car" boat'))).toEqual(['the red car']);
    expect(contentsOf(await words.find('boat +"blue car"'))).toEqual([]);
  });

  test('in quotes within a sentence count as one more word, as rare as the rarest of theirs', async () => {
    const found = await words.find('is it the "red car"?');
    const scoreOf = (content: string) => found.find((one) => one.content === content)?.score ?? 0;
    const { terms, phrases } = await words.prepare('is it the "red car"?');
    expect(terms).toHaveLength(2);
    expect(phrases).toHaveLength(1);
    const weight = phrases[0]?.weight ?? 0;
    expect(weight).toBe(Math.max(...terms.map((term) => term.weight)));
    expect(scoreOf('the red car')).toBeCloseTo(scoreOf('the car is red') + weight, 6);
  });

  test('in quotes within a sentence are forgiven when nobody said them', async () => {
    expect(contentsOf(await words.find('which boat is the "blue boat"?'))).toEqual(['a red boat']);
    const said = contentsOf(await words.find('who said "to be or not" in the car?'));
    expect(said.toSorted()).toEqual(['the car is red', 'the red car']);
  });

  test('of one word are words', async () => {
    const { terms, phrases } = await words.prepare('where is the "car"?');
    expect([terms.length, phrases.length]).toEqual([1, 0]);
  });

  test('that nobody said do not keep others from counting', async () => {
    const titles = Array.from({ length: 20 }, (_, n) => `"green title${n}"`).join(', ');
    const found = await words.find(`Which of ${titles} or "red car" was it?`);
    expect(found[0]?.content).toBe('the red car');
    expect(found[0]?.score).toBeGreaterThan(1.5 * (found[1]?.score ?? Infinity));
  });

  test('of stop words require nothing beside words', async () => {
    expect(contentsOf(await words.find('boat +"to be or not"'))).toEqual(['a red boat']);
    expect(contentsOf(await words.find('boat +"a"'))).toEqual(['a red boat']);
  });

  test('are so many at most, however many there are', async () => {
    const many = Array.from({ length: 100 }, (_, n) => `"red car ${n}"`).join(' ');
    const { terms, phrases } = await words.prepare(`look: ${many}`);
    expect([terms.length, phrases.length]).toEqual([32, 8]);
    await expect(words.find(`look: ${many}`)).resolves.toHaveLength(3);
  });

  test('after a minus are excluded', async () => {
    expect(contentsOf(await words.find('red -car'))).toEqual(['a red boat']);
    expect(contentsOf(await words.find('red -"red car" -boats'))).toEqual(['the car is red']);
  });

  test('of stop words exclude nothing, and alone they are no query of words', async () => {
    expect(contentsOf(await words.find('boat -"to be" -the -a'))).toEqual(['a red boat']);
    for (const text of ['"to be or not"', '-"to be" -the -a', '+"to be"']) {
      expect(await words.prepare(text)).toMatchObject({ terms: [], clauses: { words: 0 } });
      expect(await words.find(text)).toEqual([]);
    }
  });

  test('are counted by the words that are compared with a message', async () => {
    const clauseWords = async (text: string) => (await words.prepare(text)).clauses.words;
    expect(await clauseWords('a "red car" in a sentence')).toBe(0);
    expect(await clauseWords('+"the red car" -"to be" -well-known,boat')).toBe(2 + 3);
    expect(await clauseWords(`-${'b,'.repeat(4000)}`)).toBe(4000);
  });

  test('in quotes of more words than anybody looks for count as their words', async () => {
    const phrase = (length: number) => Array.from({ length }, (_, n) => (n % 2 === 0 ? 'red' : 'car')).join(' ');
    expect((await words.prepare(`about "${phrase(32)}"`)).phrases).toHaveLength(1);
    expect((await words.prepare(`about "${phrase(33)}"`)).phrases).toEqual([]);
  });

  test('alone find the newest that pass', async () => {
    expect(await words.find('-red', { limit: 1 })).toEqual([{ content: 'or else', score: 0 }]);
    expect(contentsOf(await words.find('-red -else'))).toEqual(['to be or not to be']);
  });

  test.each([
    '"',
    '"red',
    '-',
    '-"',
    '""',
    "'",
    '\\',
    '"\\"',
    '-\\',
    '"&" red',
    '-&',
    '"<>" car',
    '("red)',
    '+"red',
    '+""',
  ])('that are none, as in %j, do no harm', async (text) => {
    await expect(words.find(text)).resolves.toBeDefined();
    await expect(words.scan(text)).resolves.toBeDefined();
  });
});

test('of long messages, the newest are scored whose words have so many bytes', async () => {
  const filler = Array.from({ length: 1500 }, (_, n) => `filler${n}`).join(' ');
  const words = await memory(...Array.from({ length: 6 }, (_, n) => `lisbon number${n} ${filler}`));
  const query = await words.prepare('lisbon');
  const { rows: sizes } = await sql<{ id: string; bytes: number }>`
    select id, pg_column_size(search_vector) as bytes from message where tenant_id = ${words.tenantId} order by id desc
  `.execute(database.db);
  const find = async (maxBytes: number | undefined) => {
    const tenant = tenantSql(planTenant(words.tenantId, { messages: 6 }));
    const plan = { ...planWords(query, 10), maxBytes };
    const filter = sql<boolean>`true`;
    const candidates = wordCandidates({ words: plan, clauses: query.clauses, tenant, filter, limit: 10 });
    return (await candidates.execute(database.db)).rows.map(({ id }) => id).toSorted();
  };
  const newest = sizes.slice(0, 3);
  const budget = newest.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(await find(budget)).toEqual(newest.map(({ id }) => id).toSorted());
  expect(await find(budget - 1)).toEqual(
    newest
      .slice(0, 2)
      .map(({ id }) => id)
      .toSorted(),
  );
  expect(await find(undefined)).toHaveLength(6);
});
