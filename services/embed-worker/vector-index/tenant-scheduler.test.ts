import { describe, expect, test } from 'vitest';
import { TenantScheduler } from './tenant-scheduler.ts';

function setUp(tenantIds: readonly string[]) {
  const clock = { time: 0, now: () => new Date(clock.time) };
  const scheduler = new TenantScheduler({ clock, noteworthy: 100, tenantsPerRound: 2, pauseMs: 1000 });
  const list = async (after: string, limit: number) => tenantIds.filter((id) => id > after).slice(0, limit);
  return { clock, scheduler, next: () => scheduler.next(list) };
}

describe('whose turn it is', () => {
  test('everybody comes by, some in each round, and then again', async () => {
    const { scheduler, next } = setUp(['a', 'b', 'c']);
    const seen: string[][] = [];
    for (let round = 0; round < 4; round += 1) {
      const tenantIds = await next();
      seen.push(tenantIds);
      for (const tenantId of tenantIds) scheduler.done(tenantId);
    }
    expect(seen).toEqual([['a', 'b'], ['c'], ['a', 'b'], ['c']]);
  });

  test('who has got many vectors comes first, the most first', async () => {
    const { scheduler, next } = setUp(['a', 'b', 'c', 'd']);
    scheduler.note('c', 60);
    scheduler.note('d', 150);
    expect(await next()).toEqual(['d', 'a', 'b']);
    scheduler.note('c', 140);
    expect(await next()).toEqual(['c', 'd', 'a', 'b']);
  });

  test('who was not reported on stays; who may have more to do comes after the others', async () => {
    const { scheduler, next } = setUp(['a', 'b', 'c']);
    scheduler.note('a', 500);
    expect(await next()).toEqual(['a', 'b']);
    scheduler.again('a');
    expect(await next()).toEqual(['b', 'a']);
  });

  test('who failed is left alone for a while, however much comes', async () => {
    const { clock, scheduler, next } = setUp(['a']);
    await next();
    scheduler.pause('a');
    scheduler.note('a', 500);
    expect(await next()).toEqual([]);
    clock.time = 1001;
    expect(await next()).toEqual(['a']);
  });
});
