import { execFile, spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient, type ApiClient } from './api-client.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess;
let api: ApiClient;

beforeAll(async () => {
  folder = await makeDataDir();
  const env = {
    MEMORY_RETENTION_MAX_AGE_DAYS: '30',
    MEMORY_RETENTION_IMPORTANCE_THRESHOLD: '0.35',
    MEMORY_RETENTION_AGE_OF: 'created',
  };
  server = await startStandalone({ dataDir: folder.path, env });
  api = createApiClient(server);
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await folder.remove();
});

const turns = [
  ['user', 'My sister Ana moved to Lisbon in May.'],
  ['assistant', 'How exciting! Does she like her new flat there?'],
  ['user', 'She does, it is close to the river.'],
  ['user', 'Remind me to water the tomatoes on the balcony.'],
  ['assistant', 'Noted: tomatoes, every other evening.'],
  ['user', 'The quarterly report is due on Friday.'],
] as const;

describe('the main path', () => {
  test('a message is stored, embedded and found by meaning', async () => {
    const ids = [];
    for (const [role, content] of turns) {
      const answer = await api.post('/v1/messages', { tenant_id: 'main', conversation_id: 'chat', role, content });
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({ tenant_id: 'main', role, content, embedding_status: 'pending' });
      ids.push(answer.body.id);
    }
    for (const id of ids) await api.waitForStatus('main', id, 'completed');

    const found = await api.get(
      '/v1/memory/search?tenant_id=main&query=Which+city+is+my+sibling+living+in&mode=vector&top_k=3',
    );
    expect(found.status).toBe(200);
    expect(found.body.degraded).toBe(false);
    expect(found.body.total).toBe(3);
    expect(found.body.items.map((item: { content: string }) => item.content)).toContain(turns[0][1]);

    const words = await api.get('/v1/memory/search?tenant_id=main&query=tomato&mode=lexical');
    expect(words.body.items[0].content).toMatch(/tomatoes/);
    const both = await api.post('/v1/memory/search', { tenant_id: 'main', query: 'when is the report due?', top_k: 1 });
    expect(both.body.items[0]).toMatchObject({ content: turns[5][1], importance: expect.closeTo(0.233, 3) });
  });

  test('a batch keeps its order, reports each refused item, and its history can be paged through', async () => {
    const messages = Array.from({ length: 250 }, (_, n) => ({
      tenant_id: 'history',
      conversation_id: 'old',
      role: 'user',
      content: `line ${n}`,
      created_at: new Date(Date.UTC(2024, 0, 1, 0, n)).toISOString(),
    }));
    const mixed = [...messages.slice(0, 10), { ...messages[0], role: 'robot' }, ...messages.slice(10)];
    const answer = await api.post('/v1/messages/batch', { messages: mixed });
    expect(answer.status).toBe(207);
    expect(answer.body.created.map((m: { content: string }) => m.content)).toEqual(messages.map((m) => m.content));
    expect(answer.body.errors).toMatchObject([{ message_index: 10, code: 'invalid_request' }]);
    expect(answer.body.errors[0].errors[0].pointer).toBe('/messages/10/role');

    const listed = await api.listAll('history');
    expect(listed.map((m) => m.content)).toEqual(messages.map((m) => m.content));
  });

  test('a deleted message is gone from every answer at once', async () => {
    const stored = await api.post('/v1/messages', {
      tenant_id: 'gone',
      conversation_id: 'c',
      role: 'user',
      content: 'the safe code is 4711',
    });
    await api.waitForStatus('gone', stored.body.id, 'completed');
    expect((await api.delete(`/v1/messages/${stored.body.id}?tenant_id=gone`)).status).toBe(204);
    expect((await api.get(`/v1/messages/${stored.body.id}?tenant_id=gone`)).status).toBe(404);
    expect((await api.get('/v1/memory/search?tenant_id=gone&query=safe+code')).body.items).toEqual([]);
    expect((await api.delete(`/v1/messages/${stored.body.id}?tenant_id=gone`)).status).toBe(404);
  });

  test('retention counts in a dry run what the run then does', async () => {
    const created_at = '2020-01-01T00:00:00Z';
    await api.post('/v1/messages/batch', {
      messages: [
        { tenant_id: 'ret', conversation_id: 'c', role: 'user', content: 'small talk', created_at },
        {
          tenant_id: 'ret',
          conversation_id: 'c',
          role: 'user',
          content: 'keep this',
          created_at,
          importance_override: 0.9,
        },
        { tenant_id: 'ret', conversation_id: 'c', role: 'user', content: 'new' },
      ],
    });
    const dry = await api.post('/v1/admin/retention/run', { tenant_id: 'ret', dry_run: true });
    expect(dry).toMatchObject({ status: 200, body: { archived: 1, deleted: 0, dry_run: true, status: 'completed' } });
    expect(await api.listAll('ret')).toHaveLength(3);
    const run = await api.post('/v1/admin/retention/run', { tenant_id: 'ret' });
    expect(run).toMatchObject({ status: 200, body: { archived: 1, deleted: 0, dry_run: false } });
    expect((await api.listAll('ret')).map((m) => m.content)).toEqual(['keep this', 'new']);
  });

  test('health, readiness, metrics and the API description answer', async () => {
    expect((await api.get('/livez')).status).toBe(200);
    expect((await api.get('/readyz')).status).toBe(200);
    const health = await api.get('/v1/admin/health');
    expect(health).toMatchObject({ status: 200, body: { status: 'ok', database: 'ok', queue: 'ok', embedding: 'ok' } });
    const metrics = await api.get('/metrics');
    expect(metrics.body).toMatch(/aiml_requests_total\{method="POST",path="\/v1\/messages",status="202"\} \d/);
    expect(metrics.body).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    const document = await api.get('/openapi.json');
    expect(document.body.openapi).toBe('3.1.0');
    expect(Object.keys(document.body.paths)).toContain('/v1/memory/search');
  });

  test('security: the generated key is readable by its owner only, and nothing but health answers without one', async () => {
    expect((await stat(join(folder.path, 'api-key'))).mode & 0o777).toBe(0o600);
    const anonymous = createApiClient({ url: server.url, apiKey: 'not-the-right-key-at-all' });
    for (const path of ['/v1/messages', '/v1/memory/search?query=x', '/metrics']) {
      expect((await anonymous.get(path)).status).toBe(401);
    }
    expect((await anonymous.get('/readyz')).status).toBe(200);
  });

  test('the two curl lines of the banner work as printed', async ({ skip }) => {
    skip(!hasCurl(), 'curl is not installed');
    const [store = '', search = ''] = curlLines(server);
    expect(JSON.parse(await runInShell(store))).toMatchObject({ tenant_id: 'demo', embedding_status: 'pending' });
    expect(JSON.parse(await runInShell(search))).toMatchObject({ total: 1 });
  });

  test('with a configured key they work too, and the key is not shown', async ({ skip }) => {
    skip(!hasCurl(), 'curl is not installed');
    const other = await makeDataDir();
    const apiKey = 'a-configured-key-of-mine';
    const configured = await startStandalone({ dataDir: other.path, env: { MEMORY_API_KEYS: apiKey } });
    try {
      expect(configured.output()).not.toContain(apiKey);
      const [store = ''] = curlLines(configured);
      expect(JSON.parse(await runInShell(store, { MEMORY_API_KEY: apiKey }))).toMatchObject({ tenant_id: 'demo' });
    } finally {
      await configured.kill('SIGTERM');
      await other.remove();
    }
  });
});

function curlLines(target: StandaloneProcess): string[] {
  return target
    .output()
    .split('\n')
    .filter((line) => line.startsWith('curl '));
}

function hasCurl(): boolean {
  return spawnSync('curl', ['--version']).status === 0;
}

async function runInShell(line: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line], { env: { ...process.env, ...env } });
  return stdout;
}
