import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';

// Words that occur nowhere but in what callers send.
const content = 'zebrafish confided';
const query = 'quokka whereabouts';
const metadata = { marmot: 'burrow' };
const secrets = ['zebrafish', 'quokka', 'marmot', 'burrow', 'impostor', ...Object.values(keys)];

const message = { tenant_id: 'quiet', conversation_id: 'c', role: 'user', content, metadata };
const searchPath = '/v1/memory/search';
const byUrl = `${searchPath}?tenant_id=quiet&query=${encodeURIComponent(query)}`;

let api: TestApi;

/** Requests that go well and badly in every way that is logged. */
async function makeRequests(): Promise<number[]> {
  const post = (path: string, body: unknown) => api.call('POST', path, { body });
  const stored = await post('/v1/messages', message);
  const statuses = [stored.status];
  const made = [
    () => post('/v1/messages/batch', { messages: [message, { ...message, role: 'zebrafish', zebrafish: 1 }] }),
    () => api.call('GET', byUrl),
    () => post(searchPath, { tenant_id: 'quiet', query, metadata }),
    () => api.call('GET', `/v1/messages/${stored.body.id}?tenant_id=quiet`),
    () => post('/v1/messages', { ...message, role: 'zebrafish' }),
    () => api.call('POST', '/v1/messages', { raw: `{"content":"${content}"` }),
    () => api.call('GET', '/zebrafish/quokka'),
    () => api.call('PATCH', `/v1/messages?query=${query}`),
    () => api.call('GET', byUrl, { key: 'impostor-with-a-long-key' }),
    () => api.call('GET', byUrl, { key: null, headers: { authorization: 'Bearer impostor-with-a-long-key' } }),
    () => api.call('GET', byUrl, { key: keys.globex }),
  ];
  for (const request of made) statuses.push((await request()).status);
  for (const mood of ['failing', 'rejecting', 'hanging'] as const) {
    api.embedder.mood = mood;
    statuses.push((await post(searchPath, { tenant_id: 'quiet', query: `${query} ${mood}` })).status);
  }
  // The database refuses the row, and quotes it in its error; then the columns that a search needs are gone.
  await sql`alter table message add constraint refusal check (metadata <> '{"marmot":"burrow"}') not valid`.execute(
    api.db,
  );
  statuses.push((await post('/v1/messages', message)).status);
  await sql`alter table message rename column search_vector to lost`.execute(api.db);
  statuses.push((await api.call('GET', byUrl)).status);
  return statuses;
}

let statuses: number[];
beforeAll(async () => {
  // What it logs while a tenant is read into memory depends on the moment.
  api = await startTestApi({ searchIndexBytes: 0 });
  statuses = await makeRequests();
});
afterAll(() => api.stop());

describe('security: the log', () => {
  test('was written by requests of every outcome', () => {
    const outcomes = [202, 207, 200, 200, 200, 422, 400, 404, 405, 401, 401, 403, 200, 200, 200, 500, 500];
    expect(statuses).toEqual(outcomes);
    const lines = api.logLines.map((line) => JSON.parse(line));
    expect(lines.filter((line) => line.msg === 'request').map((line) => line.status)).toEqual(outcomes);
    expect(lines.filter((line) => line.level === 'warn')).toHaveLength(3);
    expect(lines.filter((line) => line.level === 'error')).toHaveLength(2);
  });

  test('holds no key, no content and no query', () => {
    const telling = api.logLines.filter((line) => secrets.some((secret) => line.includes(secret)));
    expect(telling).toEqual([]);
  });

  test('names the route, never the path that was asked for', () => {
    const paths = new Set(api.logLines.map((line) => JSON.parse(line).path).filter((path) => path !== undefined));
    const known = new Set([
      '/v1/messages',
      '/v1/messages/batch',
      '/v1/messages/:id',
      '/v1/memory/search',
      '/*',
      '*',
      'unmatched',
    ]);
    expect([...paths].filter((path) => !known.has(path))).toEqual([]);
  });

  test('tells keys apart by the beginning of their hash', () => {
    const first = JSON.parse(api.logLines[0] ?? '{}');
    expect(first.keyId).toBe(createHash('sha256').update(keys.unbound).digest('hex').slice(0, 12));
  });
});

test('security: metrics hold neither tenants nor paths nor words', async () => {
  const answer = await api.call('GET', '/metrics');
  expect(answer.text).toContain('aiml_requests_total{method="POST",path="/v1/messages",status="202"} 1');
  expect([...secrets, 'quiet'].filter((secret) => answer.text.includes(secret))).toEqual([]);
});
