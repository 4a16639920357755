import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { embeddingQueue } from '@memory-layer/shared/queue/catalog';
import { createQueueBackend } from '@memory-layer/shared/queue/create-queue-backend';
import { parseRedisUrl } from '@memory-layer/shared/redis/redis-url';
import { sql } from 'kysely';
import type { BenchProcess } from '../harness/child-process.ts';
import type { Stack } from '../harness/stack.ts';
import type { JobProducer } from './pending-messages.ts';

export interface EmbeddingOptions {
  readonly model: string;
  readonly dimension: number;
  readonly texts: string | undefined;
  readonly messages: number;
  readonly tenants: number;
  readonly stored: number;
  readonly rounds: number;
  readonly threads: number;
  readonly nice: number;
  readonly tokenBudget: number;
  readonly probes: number;
  readonly workerEnv: readonly string[];
}

/** An embed worker with a database and a queue of its own. */
export interface Worker extends AsyncDisposable {
  readonly process: BenchProcess;
  readonly producer: JobProducer;
  /** That it made active when it started. */
  readonly generation: number;
}

/** What a row measures with. */
export interface EmbeddingBench {
  readonly stack: Stack;
  readonly folder: string;
  readonly options: EmbeddingOptions;
  readonly worker: Worker;
}

export async function startWorker(stack: Stack, options: EmbeddingOptions): Promise<Worker> {
  const url = parseRedisUrl(stack.redisUrl);
  if ('problem' in url) throw new Error(`TEST_REDIS_URL ${url.problem}`);
  const { host, port, username, password, db } = url;
  const target = { kind: 'single', host, port, username, password, db, tls: undefined } as const;
  const queues = createQueueBackend({ kind: 'redis', target, prefix: stack.redisPrefix, timeoutMs: 20_000 });
  await queues.start();
  const worker = await stack.start('embed-worker', { env: environment(options) });
  const { rows } = await sql<{ generation: number }>`
    select generation from embedding_generation where state = 'active'`.execute(stack.db);
  return {
    process: worker,
    producer: queues.createProducer(embeddingQueue),
    generation: rows[0]?.generation ?? 0,
    async [Symbol.asyncDispose]() {
      await worker.stop();
      await queues.stop();
    },
  };
}

function environment({ model, dimension, threads, nice, workerEnv }: EmbeddingOptions): Record<string, string> {
  const given = workerEnv.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const);
  return {
    MEMORY_EMBEDDING_THREADS: String(threads),
    MEMORY_EMBEDDING_NICE: String(nice),
    ...(model !== 'bundled' && {
      MEMORY_EMBEDDING_PROVIDER: 'transformers',
      MEMORY_EMBEDDING_MODEL_PATH: resolve(model),
      MEMORY_EMBEDDING_DIMENSIONS: String(dimension),
    }),
    ...Object.fromEntries(given),
  };
}

const batch = 5000;

/**
 * Gives a tenant `count` vectors, of length 1 and random direction, and waits for their index: what a graph costs depends
 * little on them. As with ids of the api, those of later messages are larger. @throws when that takes ten minutes.
 */
export async function storeVectors({ db }: Stack, tenantId: string, generation: number, count: number): Promise<void> {
  for (let first = 0; first < count; first += batch) {
    await sql`
      insert into embedding (tenant_id, message_id, generation, passage_no, vector, conversation_id, role, importance,
                             created_at)
      select ${tenantId}, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, g.generation, 0,
             l2_normalize(array(select (random() - 0.5 + 0 * n)::real from generate_series(1, g.dimension))::halfvec),
             'chat', 'user', 0.233, now()
      from generate_series(${first}::int, ${Math.min(count, first + batch) - 1}::int) as n
      join embedding_generation g on g.generation = ${generation}
    `.execute(db);
  }
  await sql`analyze embedding`.execute(db);
  for (const deadline = Date.now() + 600_000; Date.now() < deadline; await sleep(500)) {
    const { rows } = await sql<{ vectors: number }>`
      select coalesce(sum(vectors), 0)::int as vectors from vector_index where state = 'ready'`.execute(db);
    if ((rows[0]?.vectors ?? 0) >= 0.9 * count) return;
  }
  throw new Error('the index is not built');
}
