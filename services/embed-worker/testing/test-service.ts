import type { Schema } from '@memory-layer/shared/db/schema';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { CircuitBrokenEmbedder, type GuardOptions } from '@memory-layer/shared/embedding/guarded-embedder';
import { ScriptedEmbedder } from '@memory-layer/shared/embedding/testing/scripted-embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import type { Kysely } from 'kysely';
import { BatchingEmbedder } from '../embedder/batching-embedder.ts';
import { CachedEmbedder } from '../embedder/cached-embedder.ts';
import { Throughput } from '../embedder/throughput.ts';
import { createBatchingWriter } from '../batching-writer.ts';
import { createEmbeddingRepository } from '../embedding.repository.ts';
import { createEmbeddingService } from '../embedding.service.ts';
import { LeaseRenewer } from '../lease-renewer.ts';
import type { TenantWork } from '../lease.ts';
import { TenantJobLimiter } from '../tenant-job-limiter.ts';

/** A signal that is never aborted. */
export const never = new AbortController().signal;

export const away = () => new AppError('embedding_unavailable', 'connection refused');

/** An embedder with a script that also says how texts are split. */
class SplittingEmbedder extends ScriptedEmbedder {
  splitter: (text: string) => Promise<string[]> = (text) => super.split(text);

  override split(text: string): Promise<string[]> {
    return this.splitter(text);
  }

  /** From now on every call that holds such a text ends like this. */
  failFor(isPoison: (text: string) => boolean, fail: (signal: AbortSignal | undefined) => Promise<never>): void {
    this.answer = async (texts, { signal }) =>
      texts.some(isPoison) ? fail(signal) : texts.map((text) => Float32Array.of(text.length, 1));
  }
}

export interface ServiceOptions {
  readonly embedder?: Embedder;
  readonly guard?: Partial<GuardOptions>;
  readonly batchSize?: number;
  readonly concurrency?: number;
  /** Estimated tokens of a lease, as if the model were that fast; without, what a model gets that is not known yet. */
  readonly leaseTokens?: number;
}

const leaseMs = 60_000;
export const maxAttempts = 5;
export const pauseMs = 100_000;

/** An embedding service on the real repository, guards and cache, with records of what it did. */
export function createService(db: Kysely<Schema>, options: ServiceOptions = {}) {
  const { batchSize = 64 } = options;
  const scripted = new SplittingEmbedder();
  const notified: string[] = [];
  const lines: string[] = [];
  const guarded = new CircuitBrokenEmbedder(options.embedder ?? scripted, {
    name: 'passage',
    timeoutMs: 10_000,
    failureThreshold: 1000,
    resetTimeoutMs: 60_000,
    ...options.guard,
  });
  const { leaseTokens } = options;
  const throughput =
    leaseTokens === undefined
      ? new Throughput()
      : { measure: <T>(_: number, call: () => Promise<T>) => call(), tokensIn: () => leaseTokens };
  const batching = new BatchingEmbedder(guarded, { timeoutMs: guarded.timeoutMs, throughput });
  const repository = createEmbeddingRepository(db);
  const logger = createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } });
  const service = createEmbeddingService({
    repository,
    writer: createBatchingWriter({ repository, onWritten: () => undefined, logger }),
    limiter: new TenantJobLimiter(options.concurrency ?? 16, throughput),
    leaseRenewer: new LeaseRenewer({ repository, leaseMs, logger }),
    embedder: new CachedEmbedder(batching, { maxEntries: 5000 }),
    probe: guarded,
    notifier: { notify: (tenantId) => void notified.push(tenantId) },
    batchSize,
    leaseMs,
    maxAttempts,
    backoffMs: pauseMs,
    random: () => 0.5,
    logger,
    metrics: createMetrics(),
  });
  const embedDue = (work: TenantWork, signal: AbortSignal) => service.embedDue(work, signal);
  return { embedDue, scripted, guarded, notified, lines };
}

/** Waits until aborted, as a model does that hangs. */
export function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
