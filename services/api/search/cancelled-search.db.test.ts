import { Database } from '@memory-layer/shared/db/database';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createMemory } from '../testing/search-fixture.ts';
import { startTestApi } from '../testing/test-api.ts';

/** What no other statement of a search has. */
const marks = {
  'the words of the query': 'index_words(',
  'the sample of messages': 'newest as materialized',
  'the candidates': 'by_vector as materialized',
  'the messages around them': 'around as materialized',
  'the texts to compare': 'm.content_hash',
  'the vectors to compare': 'halfvec_send(avg(vector))',
  'the hits': 'as newest_id',
  'the messages shown around hits': 'with beside as',
};

test('each statement of a search is cancelled with its request', async () => {
  const api = await startTestApi();
  const database = new Database({
    connection: api.connection,
    poolSize: 1,
    acquireTimeoutMs: 20_000,
    applicationName: 'test',
    onConnectionError: () => undefined,
  });
  onTestFinished(async () => {
    await database.stop();
    await api.stop();
  });
  const memory = createMemory(() => api);
  await memory.store(
    { content: 'the garden in May' },
    { content: 'roses of the garden' },
    { content: 'roses of the garden' },
    { content: 'a long winter' },
  );
  await memory.embed();
  const { call } = api.appOver(database);
  const search = async (query: string): Promise<void> => {
    const body = { tenant_id: memory.tenantId, query, neighbours: 1, diversity: 0.5 };
    expect(await call('POST', '/v1/memory/search', { body })).toMatchObject({ status: 200 });
  };
  // What all searches share is read with the first one, and not for it alone. So are the words of a short query.
  await search('garden');
  const executed = vi.spyOn(database.queries.getExecutor(), 'executeQuery');
  await search('roses '.repeat(200));
  const sent = executed.mock.calls.map(([{ sql }, options]) => ({
    what: Object.entries(marks).find(([, mark]) => sql.includes(mark))?.[0] ?? sql,
    isCancelled: options?.signal !== undefined && options.inflightQueryAbortStrategy === 'cancel query',
  }));
  expect(sent).toEqual(Object.keys(marks).map((what) => ({ what, isCancelled: true })));
});
