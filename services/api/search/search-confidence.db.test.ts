import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemory, type Memory } from '../testing/search-fixture.ts';
import { now, startTestApi, type TestApi } from '../testing/test-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());

const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000).toISOString();

describe('confidence', () => {
  let memory: Memory;
  beforeAll(async () => {
    memory = createMemory(() => api);
    await memory.store(
      { content: 'my garden has a shed', conversation_id: 'a' },
      { content: 'rain', conversation_id: 'b' },
    );
    await memory.embed();
  });

  test('tells what answers from what does not, in every query alike', async () => {
    const { items } = await memory.search('garden shed');
    const [best, other] = items;
    expect(best?.confidence).toBeGreaterThan(0.8);
    expect(other?.confidence).toBeLessThan(best?.confidence ?? 0);
    const unrelated = await memory.search('quantum chromodynamics');
    // The best hit of any query has a relevance of 1.
    expect(unrelated.items[0]?.breakdown.relevance).toBe(1);
    for (const hit of nonEmpty(unrelated.items)) expect(hit.confidence).toBeLessThan(0.25);
  });

  test('cuts hits below the least', async () => {
    expect(await memory.find('quantum chromodynamics', { min_confidence: 0.25 })).toEqual([]);
    expect(await memory.find('garden shed', { min_confidence: 0.8 })).toEqual(['my garden has a shed']);
  });
});

describe('role_weights', () => {
  test('say which roles gain, whatever the chat is like', async () => {
    const memory = createMemory(() => api);
    const created_at = daysAgo(1);
    await memory.store(
      { content: 'garden of mine', conversation_id: 'a', role: 'user', created_at, importance: 0.2 },
      { content: 'garden of yours', conversation_id: 'b', role: 'assistant', created_at, importance: 0.2 },
    );
    await memory.embed();
    const weights = { role: 1 };
    const first = async (role_weights?: object) => (await memory.find('garden', { weights, role_weights }))[0];
    expect(await first({ user: 1 })).toBe('garden of mine');
    expect(await first({ assistant: 1 })).toBe('garden of yours');
    const { items } = await memory.search('garden', { role_weights: { assistant: 0.5 } });
    expect(new Set(items.map((hit) => hit.breakdown.role))).toEqual(new Set([0, 0.5]));
  });

  test('are not needed where replies are long: users’ messages gain', async () => {
    const memory = createMemory(() => api);
    const reply = 'garden plan with roses, lavender, thyme, sage, mint, basil, parsley, dill, chives and a bench';
    await memory.store(
      { content: 'garden of mine', conversation_id: 'a', role: 'user' },
      { content: reply, conversation_id: 'b', role: 'assistant' },
    );
    await memory.embed();
    const roles = async (query: string) => {
      const { items } = await memory.search(query);
      return new Map(items.map((hit) => [hit.content, hit.breakdown.role]));
    };
    expect((await roles('garden')).get('garden of mine')).toBe(1);
    expect((await roles('Which garden did you suggest?')).get('garden of mine')).toBe(0);
  });
});
