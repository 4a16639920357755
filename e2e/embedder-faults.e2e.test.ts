import { eventually } from '@memory-layer/shared/testing/eventually';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { startEmbeddingServer, type EmbeddingServer } from './embedding-server.ts';
import { makeDataDir, spawnStandalone, startStandalone, type StandaloneProcess } from './standalone-process.ts';

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let embedding: EmbeddingServer;
let server: StandaloneProcess;
let api: ApiClient;

beforeAll(async () => {
  folder = await makeDataDir();
  embedding = await startEmbeddingServer();
  const shortTimes = {
    MEMORY_EMBEDDING_TIMEOUT_MS: '400',
    MEMORY_SEARCH_EMBEDDING_TIMEOUT_MS: '400',
    MEMORY_CIRCUIT_FAILURE_THRESHOLD: '3',
    MEMORY_CIRCUIT_RECOVERY_MS: '300',
    MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS: '50',
    MEMORY_EMBEDDING_SWEEP_MS: '50',
    MEMORY_EMBEDDING_JOB_BATCH_SIZE: '16',
  };
  server = await startStandalone({ dataDir: folder.path, env: { ...embedding.env, ...shortTimes } });
  api = createApiClient(server);
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await embedding.stop();
  await folder.remove();
});

const messageOf = (tenant_id: string, content: string) => ({ tenant_id, conversation_id: 'c', role: 'user', content });

/** Waits for the state of a breaker as the metrics show it: 0 closed, 2 open. */
async function waitForBreaker(breaker: 'query' | 'passage', state: 0 | 2): Promise<void> {
  await eventually(async () => {
    const { body } = await api.get('/metrics');
    expect(body).toContain(`memory_circuit_breaker_state{breaker="${breaker}"} ${state}`);
  });
}

async function statusesOf(tenantId: string): Promise<string[]> {
  return (await api.listAll(tenantId)).map((message) => message.embedding_status);
}

const faults = ['answers 500', 'hangs', 'answers no numbers', 'answers another dimension'] as const;

describe.each(faults)('an embedding server that %s', (fault) => {
  const tenant = fault.replaceAll(' ', '-');
  const number = faults.indexOf(fault);
  // No text twice in the file: what was embedded once, passage or query, is remembered.
  const contents = [
    `We met at the harbour of Lisbon, pier ${number}.`,
    ...Array.from({ length: 39 }, (_, n) => `note${number}x${n} about the garden`),
  ];
  let searches = 0;
  const search = (mode: string) => {
    searches += 1;
    const query = `Lisbon harbour pier ${number}${'!'.repeat(searches)}`;
    return api.post('/v1/memory/search', { tenant_id: tenant, query, mode, top_k: 3 });
  };

  test('stops neither ingest nor search by words, opens the breaker, and burns no message', async () => {
    embedding.behaviour = fault;
    const batch = await api.post('/v1/messages/batch', {
      messages: contents.map((content) => messageOf(tenant, content)),
    });
    expect(batch.status).toBe(202);
    await waitForBreaker('passage', 2);

    const found = await search('hybrid');
    expect(found).toMatchObject({ status: 200, body: { degraded: true } });
    expect(found.body.items[0].content).toBe(contents[0]);
    expect(await search('vector')).toMatchObject({ status: 200, body: { degraded: true } });

    expect((await api.post('/v1/messages', messageOf(tenant, 'stored all the same'))).status).toBe(202);
    expect(await statusesOf(tenant)).toEqual(Array.from({ length: 41 }, () => 'pending'));
  });

  test('that ends has everything completed by itself, and search is whole again', async () => {
    embedding.behaviour = 'works';
    await eventually(async () => expect(new Set(await statusesOf(tenant))).toEqual(new Set(['completed'])));
    await waitForBreaker('passage', 0);
    await eventually(async () => expect((await search('hybrid')).body.degraded).toBe(false));
    await waitForBreaker('query', 0);
    const found = await search('vector');
    expect(found.body.degraded).toBe(false);
    expect(found.body.items[0]).toMatchObject({ content: contents[0] });
  });
});

test('a text that the server refuses ends failed alone, visibly; nothing stays pending', async () => {
  const poison = 'the poison text';
  embedding.isPoison = (text) => text === poison;
  const contents = [...Array.from({ length: 30 }, (_, n) => `harmless ${n}`), poison, 'the last one'];
  const batch = await api.post('/v1/messages/batch', {
    messages: contents.map((content) => messageOf('poison', content)),
  });
  expect(batch.status).toBe(202);
  await eventually(async () => expect(await statusesOf('poison')).not.toContain('pending'));
  const listed = await api.listAll('poison');
  const [failed, ...others] = listed.filter((message) => message.embedding_status !== 'completed');
  expect(others).toEqual([]);
  const shown = await api.get(`/v1/messages/${failed?.id}?tenant_id=poison`);
  expect(shown).toMatchObject({ status: 200, body: { content: poison, embedding_status: 'failed' } });
  await waitForBreaker('passage', 0);
  const found = await api.get('/v1/memory/search?tenant_id=poison&query=poison&mode=lexical&top_k=1');
  expect(found.body).toMatchObject({ degraded: false, items: [{ content: poison }] });
});

test('another model on the same data is refused before it embeds anything, with the reason', async () => {
  embedding.behaviour = 'hangs';
  await api.post('/v1/messages', messageOf('model', 'still pending'));
  expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  embedding.behaviour = 'works';
  embedding.asked.length = 0;
  const env = { ...embedding.env, MEMORY_EMBEDDING_MODEL_NAME: 'another', MEMORY_EMBEDDING_SWEEP_MS: '50' };
  const other = spawnStandalone({ dataDir: folder.path, env });
  const [code] = await once(other.child, 'exit');
  expect(code).toBe(2);
  expect(other.output()).toContain('this database holds vectors of scripted');
  expect(embedding.asked).toEqual([]);
});
