import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import type { ServiceProcess } from './service-process.ts';
import { createPrivateServers, serversAreGiven, type PrivateServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

const revocations = 20;
const limitMs = 2000;

interface Made {
  readonly id: string;
  readonly key: string;
}

/** The tests follow one another: Redis is away in the last. */
describe.skipIf(!serversAreGiven)('security: a key that one process revokes', () => {
  let stack: Stack<PrivateServers>;
  let operator: ApiClient;
  let second: ServiceProcess;

  beforeAll(async () => {
    stack = await createStack(await createPrivateServers());
    await Promise.all([stack.servers.postgres.start(), stack.servers.redis.start()]);
    await stack.migrate();
    const [first, other] = [await stack.start('api'), await stack.start('api')];
    operator = stack.clientOf(first);
    second = other;
  });
  afterAll(() => stack.close());

  async function make(): Promise<Made> {
    const body = { name: 'revoked soon', tenant_ids: ['revoked'], scopes: ['messages:read'] };
    const answer = await operator.post('/v1/admin/keys', body);
    expect(answer.status).toBe(201);
    return { id: answer.body.key_id, key: answer.body.key };
  }

  /** Milliseconds from the answer of the first process until the second refuses. It is asked without a pause. */
  async function timeUntilRefused(change: (key: Made) => Promise<unknown>): Promise<number> {
    const made = await make();
    const client = stack.clientOf(second, made.key);
    const ask = async (): Promise<number> => (await client.get('/v1/messages')).status;
    expect(await ask()).toBe(200);
    // At any point between two looks at what has changed.
    await sleep(Math.random() * 600);
    await ask();
    await change(made);
    const since = performance.now();
    while ((await ask()) === 200) {
      if (performance.now() - since > 5 * limitMs) break;
      await sleep(5);
    }
    return performance.now() - since;
  }

  async function measure(name: string, change: (key: Made) => Promise<unknown>): Promise<number> {
    const times: number[] = [];
    for (let n = 0; n < revocations; n += 1) times.push(await timeUntilRefused(change));
    times.sort((one, other) => one - other);
    const at = (share: number) => Math.round(times[Math.ceil(share * times.length) - 1] ?? Number.NaN);
    console.log(`${name}: refused by another process after p50 ${at(0.5)} ms, max ${at(1)} ms (${revocations} times)`);
    return at(1);
  }

  const revoke = ({ id }: Made) => operator.post(`/v1/admin/keys/${id}/revoke`, undefined);
  const rotate = ({ id }: Made) => operator.post(`/v1/admin/keys/${id}/rotate`, {});

  test('is refused by another within 2 s', async () => {
    expect(await measure('revoked', revoke)).toBeLessThan(limitMs);
  });

  test('or rotates, likewise', async () => {
    expect(await measure('rotated', rotate)).toBeLessThan(limitMs);
  });

  test('without Redis, likewise', async () => {
    await stack.servers.redis.kill();
    expect(await measure('revoked without Redis', revoke)).toBeLessThan(limitMs);
  });

  test('is not let in by what is remembered while the database is away', async () => {
    const client = stack.clientOf(second, (await make()).key);
    expect((await client.get('/v1/messages')).status).toBe(200);
    await stack.servers.postgres.kill();
    await sleep(limitMs);
    expect((await client.get('/v1/messages')).status).toBe(503);
    await stack.servers.postgres.start();
  });
});
