import { AppError } from '@memory-layer/shared/errors/app-error';
import { expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';
import { createKeyRing } from '../keys/environment-keys.ts';

const key = 'key-of-tenant-acme';
const id = '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f';
const keyId = '4bR2nX9QmT7cKp1L';

/** What an operation needs to reach its service; the others need nothing. */
const inputs: Readonly<Record<string, { readonly query?: string; readonly body?: object }>> = {
  'get /v1/memory/search': { query: '?query=garden' },
  'post /v1/memory/search': { body: { query: 'garden' } },
  'post /v1/admin/retention/run': { body: {} },
  'post /v1/admin/embeddings/retry': { body: { all: true } },
  'post /v1/admin/keys': { body: { name: 'web shop', scopes: ['search'] } },
  'post /v1/admin/keys/{key_id}/rotate': { body: {} },
  'post /v1/admin/tenants': { body: { tenant_id: 'initech' } },
  'put /v1/admin/tenants/{tenant_id}/quotas': { body: {} },
};

/** Operations that no limiter of tenants lets in, and why not. */
const unlimited: Readonly<Record<string, string>> = {
  'post /v1/messages': 'the queue of the writer takes tenants in turns',
  'post /v1/messages/batch': 'the queue of the writer takes tenants in turns',
  'post /v1/messages/import': 'the queue of the writer takes tenants in turns',
  'get /livez': 'reads nothing',
  'get /readyz': 'of no tenant; cached',
  'get /v1/admin/health': 'of no tenant; cached',
  'get /v1/admin/readiness': 'of no tenant; cached',
  'get /metrics': 'of no tenant',
};

const asked: { readonly tenantId: string; readonly units: number }[] = [];
const app = createBareApp('0', {
  keys: createKeyRing([{ key, tenantId: 'acme' }]),
  readLimiter: {
    acquire(tenantId, units) {
      asked.push({ tenantId, units });
      throw new AppError('rate_limited', 'too many requests are waiting');
    },
    hasOthers: () => false,
  },
});

const document: unknown = await (await app.request('/openapi.json')).json();
const operations = Object.entries(pathsOf(document)).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method} ${path}`),
);

test('every operation that is named here exists', () => {
  expect(operations).toEqual(expect.arrayContaining([...Object.keys(inputs), ...Object.keys(unlimited)]));
  expect(operations.length).toBeGreaterThan(15);
});

test.each(operations.filter((operation) => !Object.hasOwn(unlimited, operation)))(
  '%s begins once the limiter of its tenant lets it in',
  async (operation) => {
    asked.length = 0;
    const [method = '', path = ''] = operation.split(' ');
    const { query = '', body } = new Map(Object.entries(inputs)).get(operation) ?? {};
    const answer = await app.request(path.replace('{key_id}', keyId).replaceAll(/\{\w+\}/g, id) + query, {
      method: method.toUpperCase(),
      headers: { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect([answer.status, asked]).toEqual([429, [{ tenantId: 'acme', units: expect.any(Number) }]]);
  },
);

function pathsOf(value: unknown): Record<string, object> {
  if (typeof value !== 'object' || value === null || !('paths' in value)) {
    throw new TypeError('this is no OpenAPI document');
  }
  return value.paths as Record<string, object>;
}
