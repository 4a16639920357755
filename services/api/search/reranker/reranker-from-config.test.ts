import { expect, test } from 'vitest';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { RerankServer } from './testing/rerank-server.ts';
import { rerankEnv, toRerankConfig } from './rerank-config.ts';
import { rerankerFromConfig } from './reranker-from-config.ts';

const embedding = { allowDownload: false, breaker: { failureThreshold: 1, resetTimeoutMs: 60_000 } };
const metrics = createMetrics();
const create = (env: Record<string, string>) =>
  rerankerFromConfig(toRerankConfig(loadEnv(rerankEnv, env)), { cacheDir: '/nowhere', embedding, metrics });

test('there is none unless a provider is named', () => {
  expect(create({})).toBeUndefined();
  expect(create({ MEMORY_RERANK_PROVIDER: 'none', MEMORY_RERANK_URL: 'http://one/rerank' })).toBeUndefined();
});

test.each(['cohere', 'tei'])('%s needs an address, and the problem says which variable', (provider) => {
  const reason = `MEMORY_RERANK_URL: is needed for MEMORY_RERANK_PROVIDER=${provider}`;
  expect(() => create({ MEMORY_RERANK_PROVIDER: provider })).toThrow(reason);
});

test('a local model that is not there keeps the process from starting', async () => {
  const reranker = create({ MEMORY_RERANK_PROVIDER: 'transformers', MEMORY_RERANK_MODEL_PATH: '/nowhere/model' });
  await expect(reranker?.start()).rejects.toThrow('The rerank model cannot be used');
});

test('a server is asked with what is configured, within its time, and its breaker is shown', async () => {
  const server = new RerankServer();
  const env = {
    MEMORY_RERANK_PROVIDER: 'cohere',
    MEMORY_RERANK_URL: `${await server.start()}/cohere`,
    MEMORY_RERANK_API_KEY: 'sk-key',
    MEMORY_RERANK_MODEL_NAME: 'some-model',
    MEMORY_RERANK_TIMEOUT_MS: '200',
  };
  const reranker = create(env);
  await reranker?.start();
  expect(await reranker?.rerank('a b', ['a', 'a b'])).toEqual([0.5, 1]);
  expect(server.requests[0]).toMatchObject({ body: { model: 'some-model' }, authorization: 'Bearer sk-key' });
  server.handler = () => true;
  await expect(reranker?.rerank('a', ['a'])).rejects.toThrow('took longer than 200 ms');
  await expect(reranker?.rerank('a', ['a'])).rejects.toThrow('circuit of the reranker is open');
  expect(await metrics.registry.metrics()).toContain('memory_circuit_breaker_state{breaker="rerank"} 2');
  await reranker?.stop();
  await server.stop();
});
