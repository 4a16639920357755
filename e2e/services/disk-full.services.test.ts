import { runSql } from '@memory-layer/shared/testing/run-sql';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { openSmallDisk, type SmallDisk } from './chaos-disk.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import type { ServiceProcess } from './service-process.ts';
import { createStack, type Stack } from './stack.ts';

describe.skipIf(!serversAreGiven)('a database server without room for tables', () => {
  let disk: SmallDisk | undefined;
  let stack: Stack<PrivateServers>;
  let service: ServiceProcess;
  let api: ApiClient;

  beforeAll(async () => {
    disk = openSmallDisk({ megabytes: 64, mountPoint: process.env['CHAOS_DISK'] });
    const servers = await createPrivateServers();
    stack = await createStack(servers);
    await servers.postgres.start();
    await servers.redis.start();
    if (disk === undefined) return;
    // All but the write-ahead log: the server lives on.
    await runSql(servers.db, `create tablespace small location '${disk.folder}'`);
    await runSql(servers.db, 'alter database postgres set default_tablespace = small');
    await stack.migrate();
    service = await stack.start('api');
    api = stack.clientOf(service);
  });
  afterAll(async () => {
    await stack.close();
    disk?.remove();
  });

  const store = (content: string) =>
    api.post('/v1/messages', { tenant_id: 't', conversation_id: 'c', role: 'user', content });

  test('the api refuses to store and is not ready, says so, and goes on when there is room', async (t) => {
    t.skip(disk === undefined, 'this process may not mount a file system, and CHAOS_DISK names none');
    expect((await store('stored before')).status).toBe(202);
    disk?.fill();
    await eventually(async () => {
      const { status, body } = await store('x '.repeat(4000));
      expect({ status, detail: body.detail }).toEqual({
        status: 503,
        detail: 'Nothing of this request was stored: the disk of the database is full. Send it again later.',
      });
    });
    const full = { status: 'not ready', reason: 'storage' };
    await eventually(async () => expect((await api.get('/readyz')).body).toEqual(full));
    expect(await (await service.ops('/readyz'))?.json()).toEqual(full);
    expect((await api.get('/v1/admin/health')).body.notes).toContain('no room left on the disk');
    for (let count = 0; count < 20; count += 1) await store('x '.repeat(4000));
    const said = service.logs().filter(({ msg, level }) => level === 'error' || msg.includes('the disk is full'));
    expect(said).toEqual([expect.objectContaining({ level: 'warn' })]);
    disk?.free();
    await eventually(async () => expect((await api.get('/readyz')).status).toBe(200));
    expect((await store('stored after')).status).toBe(202);
  });
});
