import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { createApiClient, type ApiClient } from './api-client.ts';
import { openSmallDisk, type SmallDisk } from './services/chaos-disk.ts';
import { startStandalone, type StandaloneProcess } from './standalone-process.ts';

let disk: SmallDisk | undefined;
let server: StandaloneProcess | undefined;
let api: ApiClient;

beforeAll(async () => {
  disk = openSmallDisk({ megabytes: 192, mountPoint: process.env['CHAOS_DISK'] });
  if (disk === undefined) return;
  server = await startStandalone({ dataDir: disk.folder });
  api = createApiClient(server);
});
afterAll(async () => {
  await server?.kill('SIGKILL');
  disk?.remove();
});

// Does not compress, so that no message fits where another one was.
const filler = (length: number): string => Array.from({ length }, () => Math.random().toString(36).slice(2)).join(' ');

function store(content: string) {
  return api.post('/v1/messages', { tenant_id: 't', conversation_id: 'c', role: 'user', content });
}

describe('a disk that fills up', () => {
  test('stops storing and readiness, with reasons and one warning, and both go on when there is room', async (t) => {
    t.skip(disk === undefined, 'this process may not mount a file system, and CHAOS_DISK names none');
    const before = await store('stored before');
    expect(before.status).toBe(202);
    await api.waitForStatus('t', before.body.id, 'completed');
    expect((await api.get('/readyz')).body).toEqual({ status: 'ready' });

    disk?.fill();
    const refused = await refusal();
    expect(refused.body).toMatchObject({
      code: 'unavailable',
      detail: 'Nothing of this request was stored: the disk of the database is full. Send it again later.',
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    await eventually(async () =>
      expect((await api.get('/readyz')).body).toEqual({ status: 'not ready', reason: 'storage' }),
    );
    expect(await api.get('/v1/admin/health')).toMatchObject({
      status: 503,
      body: { status: 'down', notes: expect.stringContaining('no room left on the disk') },
    });
    expect((await api.get('/livez')).status).toBe(200);
    expect((await api.get(`/v1/messages/${before.body.id}?tenant_id=t`)).body.content).toBe('stored before');
    for (let count = 0; count < 20; count += 1) await store(filler(200));
    const lines = server?.output().split('\n') ?? [];
    expect(lines.filter((line) => line.includes('the disk is full'))).toHaveLength(1);
    expect(lines.filter((line) => /"level":"(?:error|fatal)"/.test(line))).toEqual([]);

    disk?.free();
    await eventually(async () => expect((await api.get('/readyz')).status).toBe(200));
    const after = await store('stored after');
    expect(after.status).toBe(202);
    await api.waitForStatus('t', after.body.id, 'completed');
  });
});

/** Sends messages until one finds no room: the first ones go where there is some left. */
async function refusal() {
  for (let count = 0; count < 2000; count += 1) {
    const answer = await store(filler(200));
    if (answer.status !== 202) return answer;
  }
  throw new Error('there is room for all');
}
