import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLedger, untilEmbedded } from './ledger.ts';
import { prepareBundledModel, serversAreGiven, useGivenServers } from './servers.ts';
import { createStack, modelCacheDir, type Stack } from './stack.ts';

describe.skipIf(!serversAreGiven)('a model in a folder', () => {
  let stack: Stack;
  let empty: string;

  beforeAll(async () => {
    stack = await createStack(await useGivenServers());
    empty = await mkdtemp(join(tmpdir(), 'memory-layer-no-model-'));
  });
  afterAll(async () => {
    await stack.close();
    await rm(empty, { recursive: true, force: true });
  });

  test.each(['api', 'embed-worker'] as const)('that is missing keeps the %s from starting', async (name) => {
    const path = join(empty, 'absent');
    const env = { MEMORY_EMBEDDING_PROVIDER: 'transformers', MEMORY_EMBEDDING_MODEL_PATH: path };
    const service = await stack.spawn(name, env);
    const { code } = await service.ended();
    expect(code).toBeGreaterThan(0);
    expect(service.output()).toContain(`The folder ${path} must hold config.json, tokenizer.json`);
  });

  test('in the layout of the hub is what api and embed worker embed with', async ({ task }) => {
    const { folder, dimension } = await prepareBundledModel({ cacheDir: modelCacheDir });
    const env = {
      MEMORY_EMBEDDING_PROVIDER: 'transformers',
      MEMORY_EMBEDDING_MODEL_PATH: folder,
      MEMORY_EMBEDDING_MODEL_NAME: 'local/sentences',
      MEMORY_EMBEDDING_DIMENSIONS: String(dimension),
    };
    const [api] = await Promise.all([stack.start('api', env), stack.start('embed-worker', env)]);
    const client = stack.clientOf(api);
    const contents = ['My sister Ana moved to Lisbon in May.', 'Water the tomatoes.', 'The report is due on Friday.'];
    const acknowledged = new Map<string, string>();
    for (const content of contents) {
      const message = { tenant_id: 'local', conversation_id: 'c', role: 'user', content };
      acknowledged.set((await client.post('/v1/messages', message)).body.id, content);
    }
    await untilEmbedded(stack.servers.db, 'local');
    const query = { tenant_id: 'local', query: 'Which city is my sibling living in?', mode: 'vector', top_k: 1 };
    const found = await client.post('/v1/memory/search', query);
    expect(found).toMatchObject({ status: 200, body: { degraded: false, items: [{ content: contents[0] }] } });
    const generations = await stack.servers.db.selectFrom('embedding_generation').select('model_id').execute();
    expect(generations).toEqual([{ model_id: 'local/sentences' }]);
    task.meta.ledger = await readLedger(stack.servers.db, 'local', { acknowledged, refused: 0 });
    expect(task.meta.ledger).toMatchObject({ stored: 3, embedded: 3, lost: 0 });
  });
});
