import { OpenAiEmbedder } from '@memory-layer/shared/embedding/openai/openai-embedder';
import { startTestDatabase, type TestDatabase } from '@memory-layer/shared/testing/test-database';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTenant } from './testing/embedding-fixture.ts';
import { createService, never } from './testing/test-service.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.stop());

const texts = (count: number) => Array.from({ length: count }, (_, n) => `text ${n}`);
const nothing = { leased: 0, embedded: 0, deferred: 0, retried: 0, failed: 0 };

describe('an embedder that answers with something else than vectors', () => {
  const answers = {
    'NaN (null, in JSON)': [null, null],
    'another dimension': [1, 2, 3],
    zeros: [0, 0],
  };

  /** The real adapter; wrong for the texts that say so. */
  function embedderAnswering(embedding: readonly (number | null)[], isWrong: (text: string) => boolean) {
    const answer: typeof fetch = async (_, init) => {
      const { input } = JSON.parse(typeof init?.body === 'string' ? init.body : '') as { input: string[] };
      const data = input.map((text, index) => ({ index, embedding: isWrong(text) ? embedding : [3, 0] }));
      return Response.json({ data });
    };
    const model = { modelName: 'm', dimension: 2, maxTokens: 100, baseUrl: 'http://127.0.0.1:9/v1' };
    return new OpenAiEmbedder({ ...model, fetch: answer });
  }

  test.each(Object.entries(answers))('such as %s for one text fails that one', async (_, embedding) => {
    const tenant = createTenant(database.db);
    const ids = await tenant.add(...texts(6), 'wrong', 'right');
    const embedder = embedderAnswering(embedding, (text) => text === 'wrong');
    await embedder.start();
    const { embedDue } = createService(database.db, { embedder });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 8, embedded: 7, failed: 1 });
    const [failed] = (await tenant.pending()).values();
    expect(failed).toMatchObject({ message_id: ids[6], state: 'failed', last_error: expect.stringMatching(/\w/) });
    expect(new Set(Object.values(await tenant.vectors()).flat())).toEqual(new Set(['[1,0]']));
  });

  test.each(Object.entries(answers))('such as %s for all texts is broken: everything waits', async (_, embedding) => {
    const tenant = createTenant(database.db);
    await tenant.add(...texts(8));
    const embedder = embedderAnswering(embedding, () => true);
    await embedder.start();
    const { embedDue } = createService(database.db, { embedder });
    expect(await embedDue(tenant.work, never)).toEqual({ ...nothing, leased: 8, deferred: 8 });
    for (const row of nonEmpty((await tenant.pending()).values())) {
      expect(row).toMatchObject({ state: 'pending', attempts: 0 });
    }
    expect(await tenant.vectors()).toEqual({});
  });
});
