import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../config/load-config.ts';
import { genericQuestions } from '../embedding/query-centre/generic-questions.ts';
import { ScriptedEmbedder } from '../embedding/testing/scripted-embedder.ts';
import { startTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { createGenerationRepository } from './generation.repository.ts';
import { createGenerationService } from './generation.service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.db.deleteFrom('embedding_generation').execute();
});

/** What one process has: an embedder whose every vector is `vector`, and a service of its own. */
function createProcess(vector: readonly [number, number] = [1, 0]) {
  const embedder = new ScriptedEmbedder();
  embedder.answer = (texts) => Promise.resolve(texts.map(() => Float32Array.from(vector)));
  const generations = createGenerationRepository(database.db);
  return { embedder, service: createGenerationService({ generations, embedder }) };
}

const stored = () => database.db.selectFrom('embedding_generation').selectAll().execute();

describe('the active generation', () => {
  test('is made by the first process, and found by the next', async () => {
    const made = await createProcess().service.start();
    expect(made).toMatchObject({ modelId: 'scripted', dimension: 2, queryCentre: undefined });
    const next = createProcess().service;
    expect(await next.start()).toEqual(made);
    expect(next.getActive()).toEqual(made);
    expect(await stored()).toMatchObject([{ generation: made.generation, state: 'active' }]);
  });

  test('is the same for many processes that start at once', async () => {
    const started = await Promise.all(Array.from({ length: 8 }, () => createProcess().service.start()));
    expect(new Set(started.map(({ generation }) => generation)).size).toBe(1);
    expect(await stored()).toHaveLength(1);
  });

  test.each([
    ['model', { model_id: 'older', dimension: 2 }, 'MEMORY_EMBEDDING_MODEL_NAME'],
    ['dimension', { model_id: 'scripted', dimension: 384 }, 'MEMORY_EMBEDDING_DIMENSIONS'],
    ['prefix', { model_id: 'scripted [query "q: "]', dimension: 2 }, 'MEMORY_EMBEDDING_QUERY_PREFIX'],
    ['pooling', { model_id: 'scripted [pooling cls]', dimension: 2 }, 'MEMORY_EMBEDDING_POOLING'],
  ])('of another %s is refused, and says what to do', async (_, model, variable) => {
    await database.db
      .insertInto('embedding_generation')
      .values({ ...model, state: 'active', query_centre: null })
      .execute();
    const start = createProcess().service.start();
    await expect(start).rejects.toBeInstanceOf(ConfigError);
    const named = `${model.model_id} (${model.dimension} dimensions), but scripted (2)`;
    await expect(start).rejects.toThrow(named);
    await expect(start).rejects.toThrow(variable);
    expect(await stored()).toHaveLength(1);
  });

  test('is not known before the start', () => {
    expect(() => createProcess().service.getActive()).toThrow('not known yet');
  });
});

describe('the query centre', () => {
  test('is the mean of the general questions, computed once for all callers, and then read', async () => {
    const first = createProcess([0.5, 0.25]);
    await first.service.start();
    const centres = await Promise.all([first.service.getQueryCentre(), first.service.getQueryCentre()]);
    expect(centres).toEqual([Float32Array.of(0.5, 0.25), Float32Array.of(0.5, 0.25)]);
    await first.service.getQueryCentre();
    expect(first.embedder.calls.flatMap((call) => call.texts)).toEqual(genericQuestions);
    expect(first.embedder.calls.every((call) => call.options.kind === 'query')).toBe(true);

    const later = createProcess([9, 9]);
    await later.service.start();
    expect(await later.service.getQueryCentre()).toEqual(Float32Array.of(0.5, 0.25));
    expect(later.embedder.calls).toEqual([]);
  });

  test('is frozen: of two processes that compute it at once the first one counts, for both', async () => {
    const [one, two] = [createProcess([1, 0]), createProcess([0, 1])];
    await Promise.all([one.service.start(), two.service.start()]);
    const [a, b] = await Promise.all([one.service.getQueryCentre(), two.service.getQueryCentre()]);
    expect(a).toEqual(b);
    expect(one.service.getActive().queryCentre).toEqual(a);
    const [row] = await stored();
    expect(Float32Array.from(row?.query_centre ?? [])).toEqual(a);
  });

  test('is exact to the last bit when it is read back', async () => {
    const odd = [0.1, 1 / 3] as const;
    const { service } = createProcess(odd);
    await service.start();
    const centre = await service.getQueryCentre();
    const reader = createProcess().service;
    expect((await reader.start()).queryCentre).toEqual(centre);
  });

  test('that could not be computed is tried again by the next caller', async () => {
    const { embedder, service } = createProcess();
    const answer = embedder.answer;
    embedder.answer = () => Promise.reject(new Error('gone'));
    await service.start();
    await expect(service.getQueryCentre()).rejects.toThrow('gone');
    embedder.answer = answer;
    expect(await service.getQueryCentre()).toEqual(Float32Array.of(1, 0));
  });
});
