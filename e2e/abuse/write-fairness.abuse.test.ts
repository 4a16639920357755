import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDataDir, startStandalone, type StandaloneProcess } from '../standalone-process.ts';

// A tenant that writes as fast as it can, against another that posts a message now and then.

let service: StandaloneProcess;
let folder: Awaited<ReturnType<typeof makeDataDir>>;
beforeAll(async () => {
  folder = await makeDataDir();
  service = await startStandalone({ dataDir: folder.path });
});
afterAll(async () => {
  await service.kill('SIGTERM');
  await folder.remove();
});

const headers = () => ({ 'x-api-key': service.apiKey });
const words =
  'we board the early train to the coast and walk along the cliffs until the rain comes in from the sea'.split(' ');
const sentence = (n: number) =>
  Array.from({ length: 12 }, (_, k) => words[(n * 7 + k * (n % 5)) % words.length]).join(' ');
const message = (tenant_id: string, n: number) => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content: sentence(n),
});

async function post(path: string, body: object): Promise<number> {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return response.status;
}

async function list(tenantId: string): Promise<number> {
  const response = await fetch(`${service.url}/v1/messages?tenant_id=${tenantId}&limit=20`, { headers: headers() });
  await response.arrayBuffer();
  return response.status;
}

async function livez(): Promise<number> {
  const response = await fetch(`${service.url}/livez`);
  await response.arrayBuffer();
  return response.status;
}

interface Measured {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Twenty calls a second for a time: a caller that is in no hurry. */
async function measure(
  call: (n: number) => Promise<number>,
  durationMs: number,
  expected: readonly number[],
): Promise<Measured> {
  const times: number[] = [];
  const until = performance.now() + durationMs;
  for (let n = 0; performance.now() < until; n++) {
    const started = performance.now();
    expect(expected).toContain(await call(n));
    const tookMs = performance.now() - started;
    times.push(tookMs);
    await sleep(Math.max(5, 50 - tookMs));
  }
  times.sort((one, other) => one - other);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

interface Victims {
  readonly post: Measured;
  readonly list: Measured;
  readonly livez: Measured;
}

async function measureVictims(durationMs: number): Promise<Victims> {
  const [postTimes, listTimes, livezTimes] = await Promise.all([
    measure((n) => post('/v1/messages', message('victim', n)), durationMs, [202]),
    measure(() => list('victim'), durationMs, [200]),
    measure(livez, durationMs, [200]),
  ]);
  return { post: postTimes, list: listTimes, livez: livezTimes };
}

const measureMs = 8000;

/** Runs the attack while the victims are measured, beside what they had before it. */
async function underAttack(
  title: string,
  attack: (isOver: () => boolean) => Promise<unknown>,
): Promise<{ idle: Victims; attacked: Victims }> {
  await measureVictims(1000);
  const idle = await measureVictims(measureMs);
  let isOver = false;
  const attacking = attack(() => isOver);
  await sleep(1000);
  const attacked = await measureVictims(measureMs);
  isOver = true;
  const done = await attacking;
  const row = (name: string, { p50, p95, p99, max }: Measured) =>
    `  ${name.padEnd(16)}${[p50, p95, p99, max].map((ms) => ms.toFixed(1).padStart(9)).join('')}`;
  console.log(
    [
      `${title}: ${JSON.stringify(done)}`,
      `  ${'ms'.padEnd(16)}${['p50', 'p95', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`,
      ...(['post', 'list', 'livez'] as const).flatMap((name) => [
        row(`${name}, idle`, idle[name]),
        row(`${name}, attacked`, attacked[name]),
      ]),
    ].join('\n'),
  );
  return { idle, attacked };
}

// Times: as in the other attacks, what the machine does beside it may fail a run, and the code fails all three.
test('batches of one tenant, as fast as twenty connections send them', { retry: 2 }, async () => {
  const { idle, attacked } = await underAttack('batches of 100 over 20 connections', async (isOver) => {
    const statuses: Record<string, number> = {};
    await Promise.all(
      Array.from({ length: 20 }, async (_, connection) => {
        for (let n = 0; !isOver(); n++) {
          const messages = Array.from({ length: 100 }, (__, k) => message('flood', connection * 1000 + n * 100 + k));
          const status = await post('/v1/messages/batch', { messages });
          statuses[status] = (statuses[status] ?? 0) + 1;
          // As a client that minds Retry-After.
          if (status === 429) await sleep(1000);
        }
      }),
    );
    return statuses;
  });
  expect(attacked.post.p95).toBeLessThanOrEqual(1.5 * idle.post.p95 + 20);
});

test('import streams that never read their answers', { retry: 2 }, async () => {
  const { idle, attacked } = await underAttack('20 streams that are not read', async (isOver) => {
    const { request } = await import('node:http');
    const lines = Buffer.from(
      Array.from({ length: 500 }, (_, n) => `${JSON.stringify(message('flood', n))}\n`).join(''),
    );
    let sent = 0;
    const streams = Array.from({ length: 20 }, () => {
      const stream = request(`${service.url}/v1/messages/import`, {
        method: 'POST',
        headers: { ...headers(), 'content-type': 'application/x-ndjson' },
      });
      stream.on('response', (response) => response.pause());
      stream.on('error', () => undefined);
      const push = (): void => {
        while (!isOver()) {
          sent += 500;
          if (!stream.write(lines)) return;
        }
      };
      stream.on('drain', push);
      push();
      return stream;
    });
    while (!isOver()) await sleep(50);
    for (const stream of streams) stream.destroy();
    return { linesSent: sent };
  });
  expect(attacked.livez.p99).toBeLessThanOrEqual(100);
  expect(attacked.list.p95).toBeLessThanOrEqual(2 * idle.list.p95 + 50);
});
