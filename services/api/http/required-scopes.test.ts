import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { OpenAPIHono } from '@hono/zod-openapi';
import { describe, expect, test } from 'vitest';
import { createBareApp, describeApi } from '../describe-api.ts';
import { createKeyRing } from '../keys/environment-keys.ts';
import { isScope, scopes, type Scope } from '../access/scopes.ts';
import type { ApiEnv } from './api-env.ts';
import { RequiredScopes } from './required-scopes.ts';

interface Operation {
  readonly operationId: string;
  readonly security?: unknown;
  readonly 'x-required-scope'?: string;
}

const document = JSON.parse(await describeApi('0')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);
const withKey = operations
  .filter(({ security }) => security !== undefined)
  .map((operation) => ({ ...operation, scope: operation['x-required-scope'] ?? '' }));

const keyOf = (name: string) => `a-key-for-the-scope-${name.replace(':', '-')}`;
const keys = scopes.flatMap((scope) => [
  { key: keyOf(scope), tenantId: undefined, scopes: new Set([scope]) },
  { key: keyOf(`not-${scope}`), tenantId: undefined, scopes: new Set(scopes.filter((other) => other !== scope)) },
]);
const app = createBareApp('0', { keys: createKeyRing(keys) });

async function call(method: string, path: string, key: string) {
  const url = path.replaceAll(/\{\w+\}/g, '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f');
  const answer = await app.request(url, { method, headers: { 'x-api-key': key } });
  const text = await answer.text();
  const isProblem = answer.headers.get('content-type') === 'application/problem+json' && text !== '';
  const { code, detail }: { code?: string; detail?: string } = isProblem ? JSON.parse(text) : {};
  return { status: answer.status, code, detail };
}

describe('security: the scope of an operation', () => {
  test.each(withKey)('$operationId asks for one, and one that there is', ({ scope }) => {
    expect(isScope(scope)).toBe(true);
  });

  test('is one that no operation is without, unless it needs no key', () => {
    const open = operations.filter((operation) => operation['x-required-scope'] === undefined);
    expect(open.map(({ operationId }) => operationId).toSorted()).toEqual(
      nonEmpty(['checkLiveness', 'checkReadiness', 'getHealth', 'getReadiness']),
    );
  });

  test.each(withKey)('$operationId is refused to a key of all scopes but $scope', async ({ method, path, scope }) => {
    const refused = { status: 403, code: 'insufficient_scope', detail: `This key does not have the scope ${scope}.` };
    expect(await call(method, path, keyOf(`not-${scope}`))).toEqual(refused);
  });

  test.each(withKey.filter(({ method }) => method === 'GET'))('$operationId is refused to HEAD, too', async (get) => {
    expect(await call('HEAD', get.path, keyOf(`not-${get.scope}`))).toMatchObject({ status: 403 });
  });

  test.each(withKey)('$operationId is allowed to a key of $scope alone', async ({ method, path, scope }) => {
    // Nothing is behind this app: what is let in fails later.
    expect(await call(method, path, keyOf(scope))).not.toMatchObject({ status: 403 });
  });

  test('is no matter where there is no operation', async () => {
    expect(await call('GET', '/v1/nowhere', keyOf('metrics'))).toMatchObject({ status: 404 });
    expect(await call('PUT', '/v1/messages', keyOf('metrics'))).toMatchObject({ status: 405 });
  });

  test('has to be declared: an app with a route that declares none is not built', () => {
    const bare = new OpenAPIHono<ApiEnv>();
    bare.get('/v1/forgotten', (c) => c.text('for everybody'));
    expect(() => new RequiredScopes().learn(bare, () => true)).toThrow(/no scope: GET \/v1\/forgotten/);
    expect(() => new RequiredScopes().learn(bare, () => false)).not.toThrow();
  });

  test.each<[Scope, string]>([
    ['search', 'searchMemory'],
    ['erase', 'deleteMessage'],
  ])('%s is what %s asks for', (scope, operationId) => {
    expect(withKey.find((operation) => operation.operationId === operationId)?.scope).toBe(scope);
  });
});
