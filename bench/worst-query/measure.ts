import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { z } from 'zod';
import type { BenchProcess } from '../harness/child-process.ts';
import { cpuSecondsOf } from '../harness/process-use.ts';
import type { Stack } from '../harness/stack.ts';
import { tenantId } from './large-tenant.ts';
import type { Shape } from './shapes.ts';

export interface Measured {
  readonly ms: readonly number[];
  /** CPU of the database's processes that serve the api, for each search; NaN when the server is on another machine. */
  readonly serverCpuMs: number;
  /** CPU of the api, all its threads, for each search: the model that embeds the query is one of them. */
  readonly apiCpuMs: number;
  /** The longest time that the api's event loop kept work waiting. */
  readonly loopDelayMs: number;
  readonly hits: number;
}

/** A search that is not answered with hits. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export interface Target {
  readonly stack: Stack;
  readonly api: BenchProcess;
}

const answerSchema = z.object({ total: z.number(), next_cursor: z.string().nullish() });
const problemSchema = z.object({
  code: z.string(),
  detail: z.string().default(''),
  errors: z.array(z.object({ pointer: z.string().default(''), detail: z.string() })).default([]),
});

/** Sends one search and reads its whole answer. @throws RefusedError with the detail of the problem. */
export async function search({ stack, api }: Target, body: object) {
  const answer = await fetch(`${api.url}/v1/memory/search`, {
    method: 'POST',
    headers: { 'x-api-key': stack.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ tenant_id: tenantId, ...body }),
  });
  const content: unknown = await answer.json();
  if (answer.ok) return answerSchema.parse(content);
  const { code, detail, errors } = problemSchema.parse(content);
  const reasons = errors.map((error) => `${error.pointer} ${error.detail}`.trim());
  throw new RefusedError(`${answer.status} ${code}: ${reasons.length > 0 ? reasons.join('; ') : detail}`);
}

/** Sends searches of a kind one after the other. @throws RefusedError when one is refused. */
export async function measure(target: Target, shape: Shape, runs: number): Promise<Measured> {
  const bodies: object[] = [];
  for (let n = 0; n < runs; n++) bodies.push(await bodyOf(target, shape, n));
  await readLoopDelayMs(target);
  const used = await readCpu(target);
  const ms: number[] = [];
  let hits = 0;
  for (const body of bodies) {
    const begun = performance.now();
    hits += (await search(target, body)).total;
    ms.push(performance.now() - begun);
  }
  const { server, apiMs } = await readCpu(target);
  const serverMs = [...server].reduce((sum, [pid, inAll]) => sum + inAll - (used.server.get(pid) ?? 0), 0);
  return {
    ms,
    serverCpuMs: target.stack.postgresPid === undefined ? Number.NaN : serverMs / runs,
    apiCpuMs: (apiMs - used.apiMs) / runs,
    loopDelayMs: await readLoopDelayMs(target),
    hits: hits / runs,
  };
}

/** Walks to the page that is measured. */
async function bodyOf(target: Target, shape: Shape, n: number): Promise<object> {
  const body = shape.body(n);
  let cursor: string | null | undefined;
  for (let page = 0; page < (shape.pagesBefore ?? 0); page += 1) {
    cursor = (await search(target, { ...body, ...(page > 0 && { cursor }) })).next_cursor;
    if (cursor == null) throw new RefusedError(`there are ${page + 1} pages only`);
  }
  return cursor == null ? body : { ...body, cursor };
}

/** CPU milliseconds so far: of each process that serves the api's connections, and of the api. */
async function readCpu({ stack, api }: Target) {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity
    where datname = current_database() and application_name = 'memory-layer api'`.execute(stack.db);
  return {
    server: new Map(rows.map(({ pid }) => [pid, cpuSecondsOf(pid) * 1000])),
    apiMs: cpuSecondsOf(api.pid) * 1000,
  };
}

const lagPattern = /^nodejs_eventloop_lag_max_seconds(?:\{[^}]*\})? (\S+)$/m;
// prom-client measures by a timer of this interval, which its figure includes.
const timerMs = 10;

/** The longest delay since this was read before: prom-client forgets it when it is read. */
async function readLoopDelayMs({ stack, api }: Target): Promise<number> {
  // A delay is recorded by the timer's next tick, before the reading and behind the reset.
  await sleep(3 * timerMs);
  const answer = await fetch(`${api.url}/metrics`, { headers: { 'x-api-key': stack.apiKey } });
  const text = await answer.text();
  await sleep(3 * timerMs);
  const seconds = lagPattern.exec(text)?.[1];
  if (seconds === undefined) throw new Error(`/metrics was answered ${answer.status} without the event loop's delay`);
  return Math.max(0, Number(seconds) * 1000 - timerMs);
}
