import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiClient } from '../api-client.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from '../standalone-process.ts';

// What MEMORY_SHARED_CONCURRENCY is when it is not set, and ten times as many requests as that.
const share = Math.min(16, Math.max(2, availableParallelism()));
const attackers = 10 * share;
const rounds = 3;
const roundMs = 4000;
const victimPauseMs = 20;

let data: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess;
let client: ReturnType<typeof createApiClient>;

const words = ['garden', 'river', 'budget', 'train', 'sister', 'Lisbon', 'recipe', 'engine', 'weather', 'concert'];
const wordsFrom = (n: number, count: number) =>
  Array.from({ length: count }, (_, at) => words[(n * 7 + at * 3 + ((n * at) % 5)) % words.length]).join(' ');

beforeAll(async () => {
  data = await makeDataDir();
  server = await startStandalone({ dataDir: data.path });
  client = createApiClient(server);
  for (const tenant of ['attacker', 'victim']) {
    const messages = Array.from({ length: 500 }, (_, n) => ({
      tenant_id: tenant,
      conversation_id: `c${n % 20}`,
      role: 'user',
      content: `${wordsFrom(n, 30)} ${n}`,
    }));
    await client.post('/v1/messages/batch', { messages });
    await client.waitUntilSettled(tenant);
  }
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await data.remove();
});

let searches = 0;
async function search(tenant: string): Promise<number> {
  searches += 1;
  const query = `${wordsFrom(searches, 5)} ${searches}`;
  return (await client.post('/v1/memory/search', { tenant_id: tenant, query })).status;
}

/** Searches of the victim, one after the other. @returns their times in milliseconds. */
async function measureVictim(): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + roundMs;
  while (performance.now() < end) {
    const started = performance.now();
    expect(await search('victim')).toBe(200);
    times.push(performance.now() - started);
    await sleep(victimPauseMs);
  }
  return times;
}

const percentile = (times: readonly number[], part: number) =>
  times.toSorted((one, other) => one - other)[Math.min(times.length - 1, Math.floor(times.length * part))] ??
  Number.NaN;

// Times: as in the other attacks, what the machine does beside it may fail a run, and the code fails all three.
test('a tenant that asks for ten times its share slows itself, not another', { retry: 2 }, async () => {
  const idle: number[] = [];
  const attacked: number[] = [];
  const statuses = new Map<number, number>();
  for (let n = 0; n < 20; n += 1) await search(n % 2 === 0 ? 'victim' : 'attacker');
  // In turns, so that whatever else the machine does meanwhile is in both.
  for (let round = 0; round < rounds; round += 1) {
    idle.push(...(await measureVictim()));
    const until = performance.now() + roundMs + 500;
    const attack = Promise.all(
      Array.from({ length: attackers }, async () => {
        while (performance.now() < until) {
          const status = await search('attacker');
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }),
    );
    await sleep(500);
    attacked.push(...(await measureVictim()));
    await attack;
  }
  const row = (times: readonly number[]) =>
    Object.fromEntries([0.5, 0.95, 0.99].map((part) => [`p${part * 100} ms`, Math.round(percentile(times, part))]));
  console.table({ 'victim, idle': row(idle), [`victim, beside ${attackers} clients of another`]: row(attacked) });
  console.log(`attacker: ${JSON.stringify(Object.fromEntries(statuses))}`);
  expect([...statuses.keys()].filter((status) => ![200, 429].includes(status))).toEqual([]);
  expect(percentile(attacked, 0.95)).toBeLessThanOrEqual(1.5 * percentile(idle, 0.95) + 20);
});
