import type { Component, ComponentHealth } from '@memory-layer/shared/lifecycle/component';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Readiness } from '@memory-layer/shared/lifecycle/readiness';

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
  /** Embeds a word, or tells why not. */
  readonly probeEmbedding: () => Promise<EmbeddingHealth>;
  /** Longest wait for that. */
  readonly embedTimeoutMs: number;
  /** For so long its outcome is good for everybody who asks: health answers without a key. */
  readonly embedCacheMs: number;
  readonly readiness: Readiness;
  readonly clock: Clock;
}

const probeTimeoutMs = 2000;

export type HealthService = ReturnType<typeof createHealthService>;

export function createHealthService(deps: HealthServiceDeps) {
  const startedAt = deps.clock.now();
  let probe: { readonly at: number; readonly outcome: Promise<EmbeddingHealth | undefined> } | undefined;

  function probeEmbedding(): Promise<EmbeddingHealth | undefined> {
    const now = performance.now();
    if (probe === undefined || now - probe.at >= deps.embedCacheMs) {
      probe = { at: now, outcome: within(deps.probeEmbedding(), deps.embedTimeoutMs) };
    }
    return probe.outcome;
  }

  return {
    /**
     * Down without the database; degraded without queue or embedder, since ingest and search by words go on, and when
     * none of the read replicas is left.
     */
    async check(): Promise<HealthReport> {
      const started = performance.now();
      const [database, queue, embedding, replicas] = await Promise.all([
        within(deps.database.health?.(), probeTimeoutMs).then((health) => ({
          up: health?.status === 'ok',
          ms: performance.now() - started,
        })),
        within(deps.queue.health?.(), probeTimeoutMs),
        probeEmbedding(),
        deps.replicas?.health?.(),
      ]);
      const queueUp = queue?.status === 'ok';
      const draining = deps.readiness.state !== 'ready';
      const at = deps.clock.now();
      const notes = [
        draining ? `the process is ${deps.readiness.state}` : '',
        queueUp ? '' : 'the queue is away: new messages wait for the sweeper',
        embedding === 'failed' ? 'embedding fails: search answers by words' : '',
        replicas?.detail ?? '',
      ].filter((note) => note !== '');
      return {
        status: statusOf(
          database.up && !draining,
          queueUp && embedding !== 'failed' && replicas?.status !== 'degraded',
        ),
        database: database.up ? 'ok' : 'down',
        queue: queueUp ? 'ok' : 'down',
        embedding: embedding ?? 'unknown',
        latencyMs: database.up ? database.ms : undefined,
        uptimeSeconds: (at.getTime() - startedAt.getTime()) / 1000,
        notes: notes.length === 0 ? undefined : notes.join('; '),
        at,
      };
    },

    /** Whether to send traffic here: the process wants it and the database answers. */
    async isReady(): Promise<boolean> {
      if (deps.readiness.state !== 'ready') return false;
      return (await within(deps.database.health?.(), probeTimeoutMs))?.status === 'ok';
    },
  };
}

function statusOf(serves: boolean, whole: boolean): HealthReport['status'] {
  if (!serves) return 'down';
  return whole ? 'ok' : 'degraded';
}

/** What the probe said, or undefined when it failed or took too long. */
async function within<T extends ComponentHealth | EmbeddingHealth>(
  probe: Promise<T> | undefined,
  timeoutMs: number,
): Promise<T | undefined> {
  const controller = new AbortController();
  const late = new Promise<undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    controller.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  try {
    return await Promise.race([probe, late]);
  } catch {
    return undefined;
  } finally {
    controller.abort();
  }
}
