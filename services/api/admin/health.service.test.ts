import { Readiness } from '@memory-layer/shared/lifecycle/readiness';
import { systemClock } from '@memory-layer/shared/lifecycle/clock';
import { describe, expect, test } from 'vitest';
import { createHealthService, type EmbeddingHealth, type HealthServiceDeps } from './health.service.ts';

const up = { health: async () => ({ status: 'ok' as const }) };
const down = { health: async () => ({ status: 'down' as const }) };

function healthOf(parts: Partial<HealthServiceDeps> = {}) {
  const readiness = new Readiness();
  readiness.set('ready');
  return createHealthService({
    database: up,
    queue: up,
    replicas: undefined,
    probeEmbedding: async () => 'ok',
    embedTimeoutMs: 20,
    embedCacheMs: 0,
    readiness,
    clock: systemClock,
    ...parts,
  });
}

describe('health', () => {
  test('is ok with everything, degraded without queue or model, down without the database', async () => {
    expect((await healthOf().check()).status).toBe('ok');
    expect((await healthOf({ queue: down }).check()).status).toBe('degraded');
    expect((await healthOf({ probeEmbedding: async () => 'failed' }).check()).status).toBe('degraded');
    expect((await healthOf({ database: down }).check()).status).toBe('down');
  });

  test('says that it is room that the database lacks', async () => {
    expect(await healthOf({ database: down }).notReady()).toBe('database');
    const full = { status: 'down', reason: 'storage', detail: 'no room' } as const;
    const health = healthOf({ database: { health: async () => full } });
    expect(await health.notReady()).toBe('storage');
    expect(await health.check()).toMatchObject({ status: 'down', notes: 'no room' });
  });

  test('says which read replicas are left out, and is degraded when none is left', async () => {
    const some = { health: async () => ({ status: 'ok' as const, detail: 'read replicas left out: 2 (lags)' }) };
    expect(await healthOf({ replicas: some }).check()).toMatchObject({
      status: 'ok',
      notes: 'read replicas left out: 2 (lags)',
    });
    const none = { health: async () => ({ status: 'degraded' as const, detail: 'read replicas left out: 1 (away)' }) };
    expect((await healthOf({ replicas: none }).check()).status).toBe('degraded');
  });

  test('does not wait for a model that hangs', async () => {
    const report = await healthOf({ probeEmbedding: () => new Promise<EmbeddingHealth>(() => undefined) }).check();
    expect(report.embedding).toBe('unknown');
  });

  test('asks the model once for everybody who asks within the cache time', async () => {
    let probes = 0;
    const probeEmbedding = async (): Promise<EmbeddingHealth> => {
      probes += 1;
      return 'ok';
    };
    const health = healthOf({ probeEmbedding, embedCacheMs: 60_000 });
    await Promise.all([health.check(), health.check()]);
    await health.check();
    expect(probes).toBe(1);
  });

  test('asks each part once for all who ask meanwhile, also when it hangs', async () => {
    const asked = { database: 0, queue: 0, embedding: 0 };
    const part = (name: 'database' | 'queue') => ({
      health: async () => {
        asked[name] += 1;
        return { status: 'ok' as const };
      },
    });
    const probeEmbedding = (): Promise<EmbeddingHealth> => {
      asked.embedding += 1;
      return new Promise(() => undefined);
    };
    const health = healthOf({ database: part('database'), queue: part('queue'), probeEmbedding });
    await Promise.all(Array.from({ length: 100 }, () => [health.check(), health.notReady()]).flat());
    expect(asked).toEqual({ database: 1, queue: 1, embedding: 1 });
    await health.check();
    expect(asked.embedding).toBe(1);
  });

  test('a process that drains is not ready, and says so', async () => {
    const readiness = new Readiness();
    readiness.set('ready');
    const health = healthOf({ readiness });
    expect(await health.notReady()).toBeUndefined();
    readiness.set('draining');
    expect(await health.notReady()).toBe('draining');
    expect((await health.check()).notes).toMatch(/draining/);
  });
});
