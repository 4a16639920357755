import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  // Room for eight small messages, two of each tenant.
  api = await startTestApi({ maxQueuedBytes: 8192 });
});
afterAll(() => api.stop());

const message = (n: number, tenant_id = 'crowd') => ({
  tenant_id,
  conversation_id: 'c',
  role: 'user',
  content: `message ${n}`,
});
const countStored = async () => (await api.db.selectFrom('message').select('id').execute()).length;

test.each([
  ['of many tenants is refused for all of them', (n: number) => `tenant-${n}`, 503, 'unavailable'],
  ['of one tenant is refused to that tenant', () => 'crowd', 429, 'rate_limited'],
])(
  'what does not fit into the queue, %s, with a time to come again; the rest is stored',
  async (_title, tenant, status, code) => {
    const before = await countStored();
    // A lock that every write has to wait for, as for a database that is slower than what arrives.
    let answers: Promise<Awaited<ReturnType<typeof api.call>>[]> | undefined;
    await api.db.transaction().execute(async (transaction) => {
      await sql`lock table message in exclusive mode`.execute(transaction);
      const first = api.call('POST', '/v1/messages', { body: message(0, tenant(0)) });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const rest = Array.from({ length: 40 }, (_, n) =>
        api.call('POST', '/v1/messages', { body: message(n + 1, tenant(n + 1)) }),
      );
      answers = Promise.all([first, ...rest]);
      // Refused while the others wait, of which none is answered.
      await Promise.any(rest);
    });
    const outcomes = (await answers) ?? [];
    const stored = outcomes.filter((answer) => answer.status === 202);
    const refused = outcomes.filter((answer) => answer.status === status);
    expect(stored.length + refused.length).toBe(41);
    expect(stored.length).toBeGreaterThanOrEqual(3);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body).toMatchObject({ code });
    }
    expect(await countStored()).toBe(before + stored.length);
  },
);

test('a stream waits for room instead, and loses nothing', async () => {
  const before = await countStored();
  const raw = Array.from({ length: 700 }, (_, n) => JSON.stringify(message(n))).join('\n');
  const streams = Array.from({ length: 4 }, () =>
    api.call('POST', '/v1/messages/import', { raw, headers: { 'content-type': 'application/x-ndjson' } }),
  );
  for (const { text } of await Promise.all(streams)) {
    const outcomes = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).status);
    expect(outcomes).toEqual([...Array.from({ length: 700 }, () => 'stored'), 'end']);
  }
  expect(await countStored()).toBe(before + 2800);
});
