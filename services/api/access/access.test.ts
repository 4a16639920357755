import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ChangeWatch } from './change-watch.ts';
import { RecordCache } from './record-cache.ts';

interface Row {
  readonly value: number;
}

/** A table that can be slow or away, and what one process remembers of it. */
function setUp() {
  const table = { version: 0, rows: new Map<string, Row>(), isAway: false, gate: Promise.resolve() };
  const clock = { now: 0 };
  const asked = { versions: 0, loads: 0, errors: 0 };
  const watch = new ChangeWatch({
    async readVersion() {
      asked.versions += 1;
      if (table.isAway) throw new Error('away');
      return String(table.version);
    },
    onError: () => void (asked.errors += 1),
    nowMs: () => clock.now,
  });
  const cache = new RecordCache<Row>({
    what: 'rows',
    watch,
    async load(ids) {
      asked.loads += 1;
      if (table.isAway) throw new Error('away');
      const found = new Map(
        ids.flatMap((id) => (table.rows.has(id) ? [[id, table.rows.get(id) ?? { value: -1 }]] : [])),
      );
      await table.gate;
      return found;
    },
  });
  const set = (id: string, value: number) => {
    table.rows.set(id, { value });
    table.version += 1;
  };
  return { table, clock, asked, watch, cache, set };
}

describe('records that are remembered', () => {
  test('are asked for once, also where there is none, and many in one query', async () => {
    const { asked, cache, set } = setUp();
    set('a', 1);
    expect(cache.peek('a')).toBe('unknown');
    expect(await Promise.all(['a', 'a', 'b', 'c'].map((id) => cache.get(id)))).toEqual([
      { value: 1 },
      { value: 1 },
      undefined,
      undefined,
    ]);
    expect(asked.loads).toBeLessThanOrEqual(2);
    const { loads } = asked;
    expect([cache.peek('a'), cache.peek('b'), await cache.get('a')]).toEqual([{ value: 1 }, undefined, { value: 1 }]);
    expect(asked).toMatchObject({ loads, versions: 1 });
  });

  test('are refreshed in the background: nobody waits while there are requests', async () => {
    const { clock, asked, cache, set } = setUp();
    set('a', 1);
    await cache.get('a');
    for (let n = 0; n < 20; n += 1) {
      clock.now += 300;
      expect(cache.peek('a')).toEqual({ value: 1 });
      await turn();
    }
    expect(asked).toMatchObject({ loads: 1, versions: 11 });
  });

  test('are good for no longer than 1.5 seconds after a change', async () => {
    const { clock, cache, set } = setUp();
    set('a', 1);
    await cache.get('a');
    clock.now = 400;
    set('a', 2);
    expect(cache.peek('a')).toEqual({ value: 1 });
    clock.now = 600;
    // Asks in the background, and the next one knows.
    cache.peek('a');
    await turn();
    expect(cache.peek('a')).toBe('unknown');
    expect(await cache.get('a')).toEqual({ value: 2 });
  });

  test('are not good at all while the database is away for longer', async () => {
    const { table, clock, asked, cache, set } = setUp();
    set('a', 1);
    await cache.get('a');
    table.isAway = true;
    clock.now = 1500;
    expect(cache.peek('a')).toEqual({ value: 1 });
    await turn();
    clock.now = 1501;
    expect(cache.peek('a')).toBe('unknown');
    await turn();
    await expect(cache.get('a')).rejects.toThrow('away');
    expect(asked.errors).toBeGreaterThan(0);
    table.isAway = false;
    expect(await cache.get('a')).toEqual({ value: 1 });
  });

  test('are not remembered when something changed while they were looked up', async () => {
    const { table, watch, cache, set } = setUp();
    set('a', 1);
    await watch.refresh();
    const gate = Promise.withResolvers<void>();
    table.gate = gate.promise;
    const looked = cache.get('a');
    await turn();
    set('a', 2);
    await watch.refresh();
    gate.resolve();
    expect(await looked).toEqual({ value: 1 });
    expect(await cache.get('a')).toEqual({ value: 2 });
  });

  test('are forgotten at once when this process changes something itself', async () => {
    const { watch, cache, set } = setUp();
    set('a', 1);
    await cache.get('a');
    set('a', 2);
    watch.changed();
    expect(await cache.get('a')).toEqual({ value: 2 });
  });
});
