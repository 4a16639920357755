import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from '../testing/expect-problem.ts';
import { createMemory, type Memory } from '../testing/search-fixture.ts';
import { startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const reference_time = '2026-06-10T12:00:00Z';

describe('a time that the query names', () => {
  let memory: Memory;
  const days = ['2024-05-17', '2025-08-03', '2026-03-20', '2026-04-20', '2026-06-03', '2026-06-08', '2026-06-09'];
  beforeAll(async () => {
    memory = createMemory(() => api);
    const seeds = days.map((date) => ({
      content: 'soup for lunch',
      created_at: `${date}T10:00:00Z`,
      conversation_id: date,
    }));
    await memory.store(...seeds);
    await memory.embed();
  });
  const asked = { reference_time, collapse: false, weights: { decay: 0, date: 0 }, top_k: 2 };
  const best = async (query: string, options: object = {}) =>
    (await memory.search(query, { ...asked, ...options })).items[0]?.created_at.slice(0, 10);

  test.each([
    ['What was for lunch on 2024-05-17?', '2024-05-17'],
    ['What was for lunch on 17.05.2024?', '2024-05-17'],
    ['What was for lunch on 5/17/2024?', '2024-05-17'],
    ['What was for lunch last week?', '2026-06-03'],
    ['What was for lunch yesterday?', '2026-06-09'],
    ['What was for lunch three months ago?', '2026-03-20'],
    ['What was for lunch last summer?', '2025-08-03'],
    ['What was for lunch on Monday?', '2026-06-08'],
    ['What was for lunch in April 2026?', '2026-04-20'],
  ])('%s', async (query, date) => {
    for (const mode of ['hybrid', 'vector', 'lexical']) {
      expect([mode, await best(query, { mode })]).toEqual([mode, date]);
    }
    expect((await memory.search(query, asked)).items[0]?.breakdown.time).toBeCloseTo(0.2);
  });

  test('is shown', async () => {
    expect(await memory.search('lunch last week', asked)).toMatchObject({
      time: { from: '2026-06-01T00:00:00.000Z', to: '2026-06-08T00:00:00.000Z', text: 'last week' },
    });
    const { time } = await memory.search('lunch', asked);
    expect(time).toBeUndefined();
    const path = `/v1/memory/search?tenant_id=${memory.tenantId}&query=lunch+yesterday&reference_time=${reference_time}`;
    expect(await api.call('GET', `${path}&timezone=Asia/Tokyo`)).toMatchObject({
      body: { time: { from: '2026-06-08T15:00:00.000Z', to: '2026-06-09T15:00:00.000Z', text: 'yesterday' } },
    });
  });

  test('filters nothing', async () => {
    expect((await memory.search('lunch yesterday', { ...asked, top_k: 10 })).items).toHaveLength(days.length);
  });

  test('of which nothing is stored moves nothing', async () => {
    const scores = async (weights: object) =>
      (await memory.search('lunch last month', { ...asked, top_k: 10, weights })).items.map(({ score }) => score);
    expect(await scores({ date: 0 })).toEqual(await scores({ date: 0, time: 0 }));
  });

  test('finds what is said then, however much else is alike', async () => {
    const own = createMemory(() => api);
    const said = 'bread, butter and jam';
    await own.store({ content: said, created_at: '2026-06-09T10:00:00Z' });
    await own.store(
      ...Array.from({ length: 80 }, (_, n) => ({
        content: `bread number${n}`,
        created_at: '2025-01-01T00:00:00Z',
        conversation_id: `c${n}`,
      })),
    );
    const options = { reference_time, candidate_limit: 5, mode: 'lexical', weights: { decay: 0 } };
    expect((await own.find('bread yesterday', options))[0]).toBe(said);
    expect(await own.find('bread yesterday', { ...options, weights: { decay: 0, time: 0 } })).not.toContain(said);
  });
});

describe('refused is', () => {
  const search = (body: object) =>
    api.call('POST', '/v1/memory/search', { body: { tenant_id: 'acme', query: 'x', ...body } });

  test.each(['Mars/Olympus', '', '+02:00', 'x'.repeat(100)])('the time zone %j', async (timezone) => {
    expectProblem(await search({ timezone }), 'invalid_request', [{ in: 'body', pointer: '/timezone' }]);
  });

  test.each(['yesterday', '2026-06-10', '2026-06-10T12:00:00', '1969-01-01T00:00:00Z'])(
    'the reference_time %j',
    async (moment) => {
      const answer = await search({ reference_time: moment });
      expectProblem(answer, 'invalid_request', [{ in: 'body', pointer: '/reference_time' }]);
    },
  );
});
