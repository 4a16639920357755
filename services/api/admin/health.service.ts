import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { createSampler } from '@memory-layer/shared/observability/metrics-sampler';

export type EmbeddingHealth = 'ok' | 'failed' | 'unknown';

export interface HealthReport {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly database: 'ok' | 'down';
  readonly queue: 'ok' | 'down';
  readonly embedding: EmbeddingHealth;
  readonly latencyMs: number | undefined;
  readonly uptimeSeconds: number;
  readonly notes: string | undefined;
  readonly at: Date;
}

export interface HealthServiceDeps {
  readonly database: Pick<Component, 'health'>;
  readonly queue: Pick<Component, 'health'>;
  readonly replicas: Pick<Component, 'health'> | undefined;
  /** Embeds a word, or reports why not. */
  readonly probeEmbedding: () => Promise<EmbeddingHealth>;
  /** Longest wait for that. */
  readonly embedTimeoutMs: number;
  /** How long its outcome is good for everybody who asks: health answers without a key. */
  readonly embedCacheMs: number;
  readonly readiness: Readiness;
  readonly clock: Clock;
}

// Anybody may ask, as often as their address may: each part is asked once for all who come meanwhile.
const probing = { maxAgeMs: 250, timeoutMs: 2000 };

export type HealthService = ReturnType<typeof createHealthService>;

export function createHealthService(deps: HealthServiceDeps) {
  const startedAt = deps.clock.now();
  const probeEmbedding = createSampler(() => deps.probeEmbedding(), {
    maxAgeMs: deps.embedCacheMs,
    timeoutMs: deps.embedTimeoutMs,
  });
  const probeQueue = createSampler(async () => deps.queue.health?.(), probing);
  const probeDatabase = createSampler(async () => {
    const started = performance.now();
    const health = await deps.database.health?.();
    const { status, reason = 'database', detail } = health ?? {};
    return { isUp: status === 'ok', reason, detail, ms: performance.now() - started };
  }, probing);

  return {
    /**
     * Down without the database; degraded without queue or embedder, since ingest and search by words go on, and when
     * none of the read replicas is left.
     */
    async check(): Promise<HealthReport> {
      const [database, queue, embedding, replicas] = await Promise.all([
        probeDatabase(),
        probeQueue(),
        probeEmbedding(),
        deps.replicas?.health?.(),
      ]);
      const isUp = database?.isUp === true;
      const queueUp = queue?.status === 'ok';
      const draining = deps.readiness.state !== 'ready';
      const at = deps.clock.now();
      const notes = [
        draining ? `the process is ${deps.readiness.state}` : '',
        database?.detail ?? '',
        queueUp ? '' : 'the queue is away: new messages wait for the sweeper',
        embedding === 'failed' ? 'embedding fails: search answers by words' : '',
        replicas?.detail ?? '',
      ].filter((note) => note !== '');
      return {
        status: statusOf(isUp && !draining, queueUp && embedding !== 'failed' && replicas?.status !== 'degraded'),
        database: isUp ? 'ok' : 'down',
        queue: queueUp ? 'ok' : 'down',
        embedding: embedding ?? 'unknown',
        latencyMs: isUp ? database.ms : undefined,
        uptimeSeconds: (at.getTime() - startedAt.getTime()) / 1000,
        notes: notes.length === 0 ? undefined : notes.join('; '),
        at,
      };
    },

    /** Why to send no traffic here; undefined: the process wants it, and the database answers and has room. */
    async notReady(): Promise<string | undefined> {
      if (deps.readiness.state !== 'ready') return deps.readiness.state;
      const database = await probeDatabase();
      return database?.isUp === true ? undefined : (database?.reason ?? 'database');
    },
  };
}

function statusOf(serves: boolean, whole: boolean): HealthReport['status'] {
  if (!serves) return 'down';
  return whole ? 'ok' : 'degraded';
}

/** Embeds a word. */
export async function probeEmbedder(embedder: Pick<Embedder, 'embed'>): Promise<EmbeddingHealth> {
  try {
    await embedder.embed(['healthcheck'], { kind: 'query' });
    return 'ok';
  } catch {
    return 'failed';
  }
}
