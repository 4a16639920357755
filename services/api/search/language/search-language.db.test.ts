import { createLogger } from '@memory-layer/shared/observability/logger';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createWords, type Words } from '../sql/testing/words-fixture.ts';
import { idf } from '../stats/term-statistics.ts';
import { createSearchLanguageReindexer } from './search-language-reindexer.ts';
import { createSearchLanguageRepository, type SearchLanguageRepository } from './search-language.repository.ts';
import { createSearchLanguageService } from './search-language.service.ts';

let database: TestDatabase;
let languages: SearchLanguageRepository;
beforeAll(async () => {
  database = await startTestDatabase();
  languages = createSearchLanguageRepository(database.db);
});
// The language is the database's, not a tenant's: each test begins with the one of a new database.
beforeEach(async () => {
  await sql`truncate message, tenant, search_language`.execute(database.db);
  await sql`insert into search_language (language, state) values ('english 3', 'current')`.execute(database.db);
});
afterAll(() => database.stop());

const logger = createLogger({ service: 'test', level: 'silent' });
const serviceFor = (wanted: string) =>
  createSearchLanguageService({ languages, wanted, logger, signal: new AbortController().signal });

async function createTenant(...contents: readonly string[]): Promise<Words> {
  const words = createWords(database.db);
  await database.db.insertInto('tenant').values({ tenant_id: words.tenantId }).execute();
  await words.say(...contents);
  return words;
}

/** A search whose texts are not in the cache yet. */
const found = async (words: Words, text: string) =>
  (await createWords(database.db, words.tenantId).find(text)).map(({ content }) => content).toSorted();

const languagesOf = async (words: Words) => {
  const { rows } = await sql<{ search_language: string }>`
    select distinct search_language from message where tenant_id = ${words.tenantId} order by 1`.execute(database.db);
  return rows.map((row) => row.search_language);
};

/** As if the change had been made long ago. */
const passAMinute = () =>
  sql`update search_language set changed_at = now() - interval '2 minutes'`.execute(database.db);

describe('the language of words', () => {
  test('is english unless it is configured', async () => {
    expect(await languages.findCurrent()).toBe('english 3');
    await serviceFor('english').start();
    expect(await languages.listOld()).toEqual([]);
  });

  test('that the database does not have is an error of the configuration that names those it has', async () => {
    const reindexer = createSearchLanguageReindexer({ languages, language: 'klingon', everyMs: 1000, logger });
    await expect(reindexer.start()).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/MEMORY_SEARCH_LANGUAGE: .*\benglish\b.*\bsimple\b/),
    });
    expect(await languages.findCurrent()).toBe('english 3');
    await reindexer.stop();
  });

  test('decides how words are stemmed', async () => {
    await serviceFor('german').start();
    const words = await createTenant('Die Gärten blühen', 'gardening');
    expect(await found(words, 'der Garten')).toEqual(['Die Gärten blühen']);
    expect(await found(words, 'garden')).toEqual([]);
  });

  test('simple takes words as they are, common ones too', async () => {
    await serviceFor('simple').start();
    const words = await createTenant('the gardens', 'gardening');
    expect(await found(words, 'the')).toEqual(['the gardens']);
    expect(await found(words, 'garden')).toEqual([]);
  });

  test('may be a configuration of one’s own', async () => {
    await sql`create text search configuration own (copy = pg_catalog.simple)`.execute(database.db);
    await serviceFor('own').start();
    expect(await languages.findCurrent()).toBe('public.own 3');
    expect(await found(await createTenant('the gardens'), 'gardens the')).toEqual(['the gardens']);
  });
});

describe('a change of language', () => {
  test('keeps everything findable while words are indexed anew, and after', async () => {
    const words = await createTenant('running dogs', 'old gardens');
    const other = await createTenant('gardens of another');
    const service = serviceFor('german');
    await service.start();
    await words.say('Gärten und Hunde');
    expect(await languages.listOld()).toEqual(['english 3']);
    expect(await found(words, 'garden')).toEqual(['old gardens']);
    expect(await found(words, 'Garten')).toEqual(['Gärten und Hunde']);
    expect(await found(words, '"running dogs"')).toEqual(['running dogs']);
    expect(await found(words, '-"old gardens" -Hunde')).toEqual(['running dogs']);
    // By its stems of before, each said once, and not by those that nobody said yet.
    const { phrases } = await words.prepare('Who saw "running dogs"?');
    expect(phrases.at(-1)?.weight).toBeCloseTo(idf(3, 1), 6);

    await service.reindex();
    expect([await languagesOf(words), await languagesOf(other)]).toEqual([['german 3'], ['german 3']]);
    // Not forgotten yet: somebody may be writing in it.
    expect(await languages.listOld()).toEqual(['english 3']);
    await passAMinute();
    await service.reindex();
    expect(await languages.listOld()).toEqual([]);
    expect(await found(words, 'gardens')).toEqual(['old gardens']);
    expect(await found(words, 'Garten')).toEqual(['Gärten und Hunde']);
    expect(await found(other, 'gardens')).toEqual(['gardens of another']);
  });

  test('and back before it is done is no different', async () => {
    const words = await createTenant('running dogs');
    await serviceFor('german').start();
    await words.say('Hunde laufen');
    await serviceFor('english').start();
    expect(await languages.listOld()).toEqual(['german 3']);
    expect(await found(words, 'dog')).toEqual(['running dogs']);
    await serviceFor('english').reindex();
    expect(await languagesOf(words)).toEqual(['english 3']);
  });

  test('is carried out by the process that was started last', async () => {
    const words = await createTenant('running dogs');
    const before = serviceFor('english');
    await serviceFor('german').start();
    await before.reindex();
    expect(await languagesOf(words)).toEqual(['english 3']);
    expect(await languages.findCurrent()).toBe('german 3');
  });

  test('goes through a tenant of several batches', async () => {
    const words = await createTenant(...Array.from({ length: 450 }, (_, n) => `gardens ${n}`));
    const reindexer = createSearchLanguageReindexer({ languages, language: 'simple', everyMs: 60_000, logger });
    await reindexer.start();
    await expect.poll(() => languagesOf(words)).toEqual(['simple 3']);
    await reindexer.stop();
  });

  test('a message that is indexed with other metadata meanwhile keeps that index', async () => {
    const words = await createTenant('red boats');
    await sql`update message set search_language = 'german 3' where tenant_id = ${words.tenantId}`.execute(database.db);
    let isRead = false;
    const db = database.db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        if (isRead) return result;
        isRead = true;
        await sql`update message set search_language = 'english 3', search_vector = 'newer:1'
          where tenant_id = ${words.tenantId}`.execute(database.db);
        return result;
      },
    });
    const batch = { tenantId: words.tenantId, afterId: undefined, language: 'english 3', limit: 10 };
    await createSearchLanguageRepository(db).reindexBatch(batch);
    expect(await found(words, 'newer')).toEqual(['red boats']);
  });

  test('messages whose words were read in another way are read again', async () => {
    const words = await createTenant('a pizza/pasta place', 'red boats');
    // As a version that reads whole paths alone leaves them.
    await sql`update search_language set language = 'english'`.execute(database.db);
    await sql`update message set search_language = 'english', search_vector = to_tsvector('english', content)
      where tenant_id = ${words.tenantId}`.execute(database.db);
    const service = serviceFor('english');
    await service.start();
    expect(await languages.listOld()).toEqual(['english']);
    expect(await found(words, 'pizza')).toEqual([]);
    expect(await found(words, 'boat')).toEqual(['red boats']);
    await service.reindex();
    expect(await found(words, 'pizza')).toEqual(['a pizza/pasta place']);
    expect(await found(words, 'boat')).toEqual(['red boats']);
    expect(await languagesOf(words)).toEqual(['english 3']);
  });
});
