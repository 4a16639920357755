import { beforeAll, describe, expect, test } from 'vitest';
import { createBareApp } from '../describe-api.ts';
import { createCaller, type Answer } from '../testing/call.ts';

const origin = 'https://app.example';
interface Document {
  readonly paths: Record<string, Record<string, { readonly parameters?: { in: string; name: string }[] }>>;
}

const listed = (text: string | null): string[] => (text ?? '').toLowerCase().split(',');

function preflight(allowedOrigins: readonly string[]): Promise<Answer> {
  const call = createCaller(createBareApp('0', { allowedOrigins }), '');
  const headers = { origin, 'access-control-request-method': 'PUT' };
  return call('OPTIONS', '/v1/messages', { key: null, headers });
}

describe('a preflight', () => {
  let answer: Answer;
  beforeAll(async () => {
    answer = await preflight([origin]);
  });

  test('allows the methods of the API and of the service before', () => {
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-methods')).toBe('GET,POST,PUT,DELETE');
  });

  test('allows every header field that the document names, and what goes with keys, bodies and traces', async () => {
    const { paths } = (await (await createBareApp('0').request('/openapi.json')).json()) as Document;
    const documented = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .flatMap(({ parameters = [] }) => parameters.filter((one) => one.in === 'header').map(({ name }) => name));
    expect(documented.length).toBeGreaterThan(2);
    const others = ['authorization', 'x-api-key', 'content-type', 'content-encoding', 'traceparent', 'x-request-id'];
    const allowed = listed(answer.headers.get('access-control-allow-headers'));
    expect([...documented, ...others, 'x-api-version'].filter((name) => !allowed.includes(name.toLowerCase()))).toEqual(
      [],
    );
  });

  test('lets listed origins send what their browser keeps for a proxy, and no others', async () => {
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true');
    const ofAll = await preflight(['*']);
    expect(ofAll.headers.get('access-control-allow-origin')).toBe('*');
    expect(ofAll.headers.get('access-control-allow-credentials')).toBeNull();
  });
});
