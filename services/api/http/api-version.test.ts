import { describe, expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';
import { createCaller } from '../testing/call.ts';
import { otherVersionOf } from './api-version.ts';

const call = createCaller(createBareApp('0'), 'nobody-gave-out-this-one');

describe('another version of the API', () => {
  test.each([
    ['GET', '/v2/messages'],
    ['POST', '/v2/messages'],
    ['GET', '/v2'],
    ['DELETE', '/v3/'],
    ['GET', '/v0/anything'],
    ['GET', '/v01/messages'],
  ])('%s %s is answered with the versions that there are, without a key', async (method, path) => {
    const answer = await call(method, path, { key: null });
    const [, version] = path.split('/');
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-api-version')).toBe('v1');
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      type: 'urn:memory-layer:error:unsupported_version',
      code: 'unsupported_version',
      status: 400,
      instance: path,
      version,
      supported_versions: ['v1'],
    });
  });

  test.each(['/v1', '/v1/', '/v1/nothing', '/version', '/v', '/vv2/x', '/x/v2/y', `/v${'2'.repeat(10)}/x`, '/v2x/y'])(
    '%s asks for none',
    async (path) => {
      expect(otherVersionOf(path)).toBeUndefined();
      expect((await call('GET', path, { key: null })).status).toBe(401);
    },
  );
});
