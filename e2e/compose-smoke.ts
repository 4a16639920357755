/**
 * Builds the images and starts docker-compose.yml as a project of its own, on a free port and with new volumes; stores,
 * imports, finds and deletes messages, takes it down and up again, and removes everything: `pnpm test:compose`. Needs Docker.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createApiClient, type ApiClient } from './api-client.ts';

const apiKey = randomBytes(24).toString('hex');
const env = {
  ...process.env,
  COMPOSE_PROJECT_NAME: `memory-layer-smoke-${process.pid}`,
  // What a URL would have to escape.
  POSTGRES_PASSWORD: `a/b@c:${randomBytes(24).toString('hex')}`,
  MEMORY_API_KEYS: apiKey,
  MEMORY_HOST: '127.0.0.1',
  MEMORY_PORT: '0',
};
const services = ['api', 'embed-worker', 'retention-worker'];

function docker(args: readonly string[], stdout: 'inherit' | 'pipe'): string {
  const done = spawnSync('docker', ['compose', ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', stdout, 'inherit'],
  });
  if (done.error) throw done.error;
  assert.equal(done.status, 0, `docker compose ${args.join(' ')} ended with ${done.status ?? done.signal}`);
  return done.stdout ?? '';
}
const compose = (...args: string[]) => void docker(args, 'inherit');
const ask = (...args: string[]) => docker(args, 'pipe').trim();
const up = (...args: string[]) => compose('up', '--detach', '--wait', '--scale', 'embed-worker=2', ...args);

/** A client for the port that Docker chose, which is another one after every start. */
const client = (): ApiClient => createApiClient({ url: `http://${ask('port', 'api', '8000')}`, apiKey });

async function storeAndFind(api: ApiClient): Promise<void> {
  const message = { tenant_id: 'smoke', conversation_id: 'c', role: 'user' };
  const stored = await api.post('/v1/messages', { ...message, content: 'My sister Ana moved to Lisbon in May.' });
  assert.equal(stored.status, 202);
  const other = await api.post('/v1/messages', { ...message, content: 'The quarterly report is due on Friday.' });
  await api.waitForStatus('smoke', stored.body.id, 'completed');
  await api.waitForStatus('smoke', other.body.id, 'completed');

  const found = await api.get(
    '/v1/memory/search?tenant_id=smoke&mode=vector&top_k=1&query=Which+city+is+my+sibling+in',
  );
  assert.equal(found.body.degraded, false);
  assert.equal(found.body.items[0].message_id, stored.body.id);

  assert.equal((await api.delete(`/v1/messages/${stored.body.id}?tenant_id=smoke`)).status, 204);
  assert.equal((await api.get(`/v1/messages/${stored.body.id}?tenant_id=smoke`)).status, 404);
  const retention = await api.post('/v1/admin/retention/run', { tenant_id: 'smoke' });
  assert.deepEqual([retention.status, retention.body.status], [200, 'completed']);
}

/** A file of another system, and a question with words and a date: what the api reads with libraries of its own. */
async function importAndFind(api: ApiClient): Promise<void> {
  const content = 'Plan a trip to Kyoto under ticket TRIP-77.';
  const imported = await api.post('/v1/messages/import?tenant_id=imported&conversation_id=c&format=openai', [
    { role: 'user', content, created_at: '2024-05-17T09:00:00Z' },
  ]);
  assert.equal(imported.status, 200);

  const query = { tenant_id: 'imported', mode: 'lexical', top_k: 1, query: 'trip-77 in May 2024' };
  const found = await api.post('/v1/memory/search', query);
  assert.deepEqual([found.body.items[0]?.content, found.body.time?.text], [content, 'May 2024']);
}

function checkUsers(): void {
  for (const service of services) {
    assert.notEqual(ask('exec', '-T', service, 'id', '-u'), '0', `${service} runs as root`);
  }
}

/** All containers have ended by themselves, with 0: none was killed, none failed. */
function checkExits(): void {
  const lines = ask('ps', '--all', '--format', '{{.Name}} {{.ExitCode}}').split('\n');
  assert.equal(lines.length, services.length + ['embed-worker-2', 'migrate', 'postgres', 'redis'].length);
  for (const line of lines) assert.match(line, / 0$/);
}

// Ctrl-C ends the command that runs; what was started is then still to be removed.
process.on('SIGINT', () => undefined);
try {
  up('--build');
  checkUsers();
  await storeAndFind(client());
  await importAndFind(client());
  compose('stop');
  checkExits();
  compose('down');
  up();
  assert.deepEqual(
    (await client().listAll('smoke')).map(({ content }) => content),
    ['The quarterly report is due on Friday.'],
  );
  console.log('compose smoke: ok');
} catch (error) {
  spawnSync('docker', ['compose', 'logs', '--tail', '50'], { env, stdio: 'inherit' });
  throw error;
} finally {
  compose('down', '--volumes', '--remove-orphans');
}
