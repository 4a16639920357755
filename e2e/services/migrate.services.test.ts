import { readdir } from 'node:fs/promises';
import { readServerVersions, warningOf } from '@memory-layer/shared/db/server-requirements';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLedger, untilEmbedded } from './ledger.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import { createStack, type Services, type Stack } from './stack.ts';

const migrations = (await readdir(new URL('../../migrations', import.meta.url)))
  .filter((file) => file.endsWith('.sql'))
  .map((file) => file.replace('.sql', ''))
  .toSorted();

/** The tests follow one another: the database is empty when the first begins. */
describe.skipIf(!serversAreGiven)('the schema', () => {
  let stack: Stack<PrivateServers>;
  let services: Services;

  beforeAll(async () => {
    stack = await createStack(await createPrivateServers());
    await stack.servers.postgres.start();
    await stack.servers.redis.start();
  });
  afterAll(() => stack.close());

  /** What a migrator said beside its warning about this server's pgvector, which is there when it has to be. */
  async function withoutWarning(output: string): Promise<string> {
    const warning = warningOf(await readServerVersions(stack.servers.db));
    if (warning === undefined) return output;
    expect(output).toContain(`${warning}\n`);
    return output.replace(`${warning}\n`, '');
  }

  test('services on an empty database wait, and say what to do', async () => {
    services = await stack.spawnAll();
    for (const service of nonEmpty(services.all)) {
      await expect
        .poll(() => service.logs().map((line) => line['reason']), { timeout: 30_000 })
        .toContain(`the database lacks ${migrations.join(', ')}: run pnpm migrate`);
      expect((await service.ops('/livez'))?.status).toBe(200);
      expect((await service.ops('/readyz'))?.status).toBe(503);
    }
    const client = stack.clientOf(services.api);
    expect((await client.get('/readyz')).status).toBe(503);
    const answer = await client.get('/v1/messages?tenant_id=t');
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(answer.headers.has('retry-after')).toBe(true);
  });

  test('two migrators at once apply each migration once', async () => {
    const migrators = await Promise.all([stack.spawn('migrate'), stack.spawn('migrate')]);
    const ends = await Promise.all(migrators.map((migrator) => migrator.ended()));
    expect(ends).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    const said = (await Promise.all(migrators.map((migrator) => withoutWarning(migrator.output())))).toSorted();
    expect(said).toEqual([migrations.map((name) => `applied ${name}\n`).join(''), 'nothing to apply\n']);
  });

  test('a second time there is nothing to do', async () => {
    expect(await withoutWarning((await stack.migrate()).output())).toBe('nothing to apply\n');
  });

  test('the services that waited become ready by themselves', async ({ task }) => {
    await Promise.all(services.all.map((service) => service.ready()));
    const client = stack.clientOf(services.api);
    const message = { tenant_id: 'new', conversation_id: 'c', role: 'user', content: 'the first one' };
    const answer = await client.post('/v1/messages', message);
    expect(answer.status).toBe(202);
    await untilEmbedded(stack.servers.db, 'new');
    const sent = { acknowledged: new Map([[answer.body.id, message.content]]), refused: 0 };
    task.meta.ledger = await readLedger(stack.servers.db, 'new', sent);
    expect(task.meta.ledger).toMatchObject({ stored: 1, embedded: 1, lost: 0 });
  });

  test('api and embed worker refuse a database with vectors of another model', async () => {
    const { db } = stack.servers;
    const ours = await db.selectFrom('embedding_generation').select('model_id').executeTakeFirstOrThrow();
    await db.updateTable('embedding_generation').set({ model_id: 'someone/else' }).execute();
    const refused = await Promise.all([stack.spawn('api'), stack.spawn('embed-worker')]);
    for (const service of refused) {
      expect(await service.ended()).toEqual({ code: 2, signal: null });
      expect(service.output()).toContain('this database holds vectors of someone/else');
      expect(service.output()).toContain(`but ${ours.model_id} (`);
      expect(service.output()).toContain('MEMORY_EMBEDDING_MODEL_NAME');
    }
  });

  test('migrate fails, and says why, when the address is wrong', async () => {
    const wrong = await stack.spawn('migrate', { MEMORY_DATABASE_URL: 'http://nowhere' });
    expect(await wrong.ended()).toEqual({ code: 2, signal: null });
    expect(wrong.output()).toContain('MEMORY_DATABASE_URL: must be a postgres:// URL');
  });
});
