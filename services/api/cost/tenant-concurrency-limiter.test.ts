import { AppError } from '@memory-layer/shared/errors/app-error';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TenantConcurrencyLimiter, type ConcurrencyLimits, type RefusalReason } from './tenant-concurrency-limiter.ts';

const never = new AbortController().signal;

/** A limiter, and what it has let in so far, in that order. */
function setUp(limits: Partial<ConcurrencyLimits> = {}) {
  const refused: RefusalReason[] = [];
  const waiting: number[] = [];
  const clock = { now: 0 };
  const limiter = new TenantConcurrencyLimiter(
    { perTenant: 2, shared: 100, queuePerTenant: 10, total: 100, queueTotal: 1000, ...limits },
    { refused: (reason) => refused.push(reason), waiting: (requests) => waiting.push(requests) },
    () => clock.now,
  );
  const admitted: string[] = [];
  const releases = new Map<string, () => void>();
  const failures: unknown[] = [];

  /** The name of a request begins with its tenant: `a1`. */
  function ask(name: string, units = 1, signal = never): void {
    const note = (release: () => void): void => {
      admitted.push(name);
      releases.set(name, release);
    };
    const acquired = limiter.acquire(name.slice(0, 1), units, () => signal);
    if (acquired instanceof Promise) acquired.then(note, (error: unknown) => failures.push(error));
    else note(acquired);
  }

  async function finish(...names: readonly string[]): Promise<void> {
    for (const name of names) releases.get(name)?.();
    await settled();
  }

  return { clock, limiter, ask, finish, admitted, refused, waiting, failures };
}

/** A request that does not wait, and ends at once. */
function letIn(limiter: TenantConcurrencyLimiter, tenantId: string): void {
  const release = limiter.acquire(tenantId, 1, () => never);
  if (release instanceof Promise) throw new TypeError('it waits');
  release();
}

// Continuations of promises that are resolved already.
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('one tenant', () => {
  test('runs as much as its limit at a time; the rest waits and goes on in order', async () => {
    const { ask, finish, admitted, limiter } = setUp();
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) ask(name);
    expect(admitted).toEqual(['a1', 'a2']);
    expect(limiter.waiting).toBe(3);
    await finish('a2');
    expect(admitted).toEqual(['a1', 'a2', 'a3']);
    await finish('a1', 'a3');
    expect(admitted).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
  });

  test('what costs more takes more of its share, and waits until there is room for it', async () => {
    const { ask, finish, admitted } = setUp({ perTenant: 4 });
    ask('a1', 2);
    ask('a2', 3);
    // It does not overtake.
    ask('a3', 1);
    expect(admitted).toEqual(['a1']);
    await finish('a1');
    expect(admitted).toEqual(['a1', 'a2', 'a3']);
  });

  test('what costs more than its whole share runs alone', async () => {
    const { ask, finish, admitted } = setUp({ perTenant: 2, total: 2 });
    ask('a1', 50);
    ask('a2');
    expect(admitted).toEqual(['a1']);
    await finish('a1');
    ask('a3', 50);
    expect(admitted).toEqual(['a1', 'a2']);
    await finish('a2');
    expect(admitted).toEqual(['a1', 'a2', 'a3']);
  });

  test('is refused once too much of it waits; another is not', () => {
    const { ask, admitted, refused, limiter } = setUp({ perTenant: 1, queuePerTenant: 2 });
    for (const name of ['a1', 'a2', 'a3']) ask(name);
    expect(() => ask('a4')).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfterSeconds: 1 }));
    ask('b1');
    expect(admitted).toEqual(['a1', 'b1']);
    expect(refused).toEqual(['tenant_queue_full']);
    expect(limiter.waiting).toBe(2);
  });

  test('a release that is called twice counts once', async () => {
    const { ask, finish, admitted } = setUp({ perTenant: 1 });
    for (const name of ['a1', 'a2', 'a3']) ask(name);
    await finish('a1', 'a1', 'a1');
    expect(admitted).toEqual(['a1', 'a2']);
  });
});

describe('several tenants', () => {
  test('that ask one after the other are forgotten, also where nothing ever waits', () => {
    const { clock, limiter } = setUp();
    let most = 0;
    for (let n = 0; n < 100_000; n += 1) {
      clock.now += 10;
      letIn(limiter, `tenant-${n}`);
      most = Math.max(most, limiter.remembered);
    }
    // Those of one second.
    expect(most).toBeLessThanOrEqual(101);
    expect(limiter.tenants).toBe(0);
  });

  test('that came all at once are forgotten with the requests that follow', () => {
    const { clock, limiter } = setUp();
    for (let n = 0; n < 1000; n += 1) letIn(limiter, `tenant-${n}`);
    clock.now += 2000;
    for (let n = 0; n < 1000; n += 1) letIn(limiter, 'other');
    expect(limiter.remembered).toBe(1);
  });

  test('share what one alone may have, while they ask and for a while after', async () => {
    const { clock, ask, finish, admitted } = setUp({ perTenant: 4, shared: 2, queuePerTenant: 20 });
    for (let n = 1; n <= 15; n += 1) ask(`a${n}`);
    expect(admitted).toEqual(['a1', 'a2', 'a3', 'a4']);
    ask('b1');
    expect(admitted.slice(4)).toEqual(['b1']);
    await finish('a1', 'a2', 'a3');
    expect(admitted).toHaveLength(5);
    await finish('a4', 'b1');
    expect(admitted.slice(5)).toEqual(['a5']);
    // Nobody else asks at the moment.
    clock.now += 1001;
    await finish('a5');
    expect(admitted.slice(6)).toEqual(['a6', 'a7']);
    // Nobody else has asked for a minute.
    clock.now += 60_000;
    await finish('a6', 'a7');
    expect(admitted.slice(8)).toEqual(['a8', 'a9', 'a10', 'a11']);
  });

  test('have one request each at least, however many they are', () => {
    const { ask, admitted } = setUp({ perTenant: 2, shared: 2, total: 100 });
    const names = Array.from({ length: 20 }, (_, n) => `${String.fromCodePoint(97 + n)}1`);
    for (const name of names) ask(name);
    expect(admitted).toEqual(names);
  });

  test('take turns: who asks once is served before the rest of who asks often', async () => {
    const { ask, finish, admitted } = setUp({ total: 1 });
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1']) ask(name);
    await finish('a1');
    expect(admitted).toEqual(['a1', 'b1']);
    await finish('b1');
    expect(admitted).toEqual(['a1', 'b1', 'a2']);
  });

  test('have as many units in the long run, whatever their requests cost', async () => {
    const { ask, finish, admitted } = setUp({ perTenant: 12, queuePerTenant: 2000, queueTotal: 6000, total: 4 });
    const units = { a: 4, b: 1, c: 0.25 };
    for (const [tenant, cost] of Object.entries(units)) {
      for (let n = 0; n < 400 / cost; n += 1) ask(`${tenant}${n}`, cost);
    }
    for (let n = 0; n < 400; n += 1) await finish(admitted[n] ?? '');
    const had = Object.entries(units).map(
      ([tenant, cost]) => admitted.filter((name) => name.startsWith(tenant)).length * cost,
    );
    expect(Math.max(...had) - Math.min(...had)).toBeLessThanOrEqual(8);
  });

  test('a costly request is not overtaken for ever by cheap ones of others', async () => {
    const { ask, finish, admitted } = setUp({ perTenant: 4, queuePerTenant: 1000, total: 4 });
    for (let n = 0; n < 100; n += 1) ask(`b${n}`);
    ask('a0', 4);
    for (let n = 0; n < 20 && !admitted.includes('a0'); n += 1) await finish(admitted[n] ?? '');
    expect(admitted).toContain('a0');
  });

  test('a tenant at its own limit holds nobody else up', () => {
    const { ask, admitted } = setUp({ perTenant: 1, total: 3 });
    for (const name of ['a1', 'a2', 'a3', 'b1', 'c1']) ask(name);
    expect(admitted).toEqual(['a1', 'b1', 'c1']);
  });

  test('are refused together when all of them have too much waiting', () => {
    const { ask, refused } = setUp({ total: 1, queueTotal: 2 });
    for (const name of ['a1', 'b1', 'c1']) ask(name);
    expect(() => ask('d1')).toThrow(expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 1 }));
    expect(refused).toEqual(['queue_full']);
  });
});

describe('a request that waits', () => {
  test('ends with its signal: its place is free, and who comes next goes on', async () => {
    const { ask, finish, admitted, refused, failures, limiter } = setUp({ perTenant: 4, total: 4 });
    const late = new AbortController();
    const gone = new AbortController();
    ask('a1', 3);
    ask('a2', 4, late.signal);
    ask('a3', 1, gone.signal);
    ask('a4', 1);
    expect(admitted).toEqual(['a1']);
    const reason = new AppError('deadline_exceeded', 'too late');
    late.abort(reason);
    await settled();
    expect(admitted).toEqual(['a1', 'a3']);
    gone.abort();
    await finish('a1');
    expect(admitted).toEqual(['a1', 'a3', 'a4']);
    expect(failures).toEqual([reason]);
    expect(refused).toEqual(['deadline']);
    expect(limiter.waiting).toBe(0);
  });

  test('does not begin when its client has gone already', async () => {
    const { ask, admitted, refused, limiter } = setUp({ perTenant: 1 });
    ask('a1');
    ask('a2', 1, AbortSignal.abort(new Error('gone')));
    await settled();
    expect([admitted, refused, limiter.waiting]).toEqual([['a1'], ['client_gone'], 0]);
  });
});

test('whatever happens, no limit is passed, everything is let in or fails, and nothing is left behind', async () => {
  const event = fc.record({
    tenant: fc.constantFrom('a', 'b', 'c'),
    units: fc.constantFrom(0.25, 1, 2, 5),
    action: fc.constantFrom('finish', 'abort', 'stay'),
    which: fc.nat(20),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const limits = { perTenant: 3, shared: 2, queuePerTenant: 5, total: 4, queueTotal: 12 };
      const { limiter, waiting } = setUp(limits);
      const running: { tenant: string; units: number; release: () => void }[] = [];
      const aborts: AbortController[] = [];
      let [asked, ended] = [0, 0];
      const check = (): void => {
        const unitsOf = (own: typeof running) => own.reduce((sum, { units }) => sum + units, 0);
        for (const own of Map.groupBy(running, ({ tenant }) => tenant).values()) {
          expect(own.length === 1 || unitsOf(own) <= limits.perTenant).toBe(true);
        }
        expect(running.length <= 1 || unitsOf(running) <= limits.total).toBe(true);
      };
      for (const { tenant, units, action, which } of events) {
        asked += 1;
        const controller = new AbortController();
        aborts.push(controller);
        const note = (release: () => void): void => {
          running.push({ tenant, units: Math.min(units, limits.perTenant), release });
          check();
        };
        try {
          const acquired = limiter.acquire(tenant, units, () => controller.signal);
          if (acquired instanceof Promise) acquired.then(note, () => (ended += 1));
          else note(acquired);
        } catch {
          ended += 1;
        }
        if (action === 'finish') {
          const [one] = running.splice(which % Math.max(1, running.length), 1);
          if (one !== undefined) ended += 1;
          one?.release();
        }
        if (action === 'abort') aborts[which % aborts.length]?.abort();
        await settled();
      }
      while (running.length > 0) {
        ended += 1;
        running.pop()?.release();
        await settled();
      }
      expect([ended, limiter.waiting, limiter.tenants]).toEqual([asked, 0, 0]);
      expect(waiting.at(-1) ?? 0).toBe(0);
    }),
  );
});

test('a tenant has others beside it that asked within the last second', () => {
  const { limiter, clock } = setUp();
  letIn(limiter, 'a');
  expect([limiter.hasOthers('a'), limiter.hasOthers('b')]).toEqual([false, true]);
  letIn(limiter, 'b');
  expect(limiter.hasOthers('a')).toBe(true);
  clock.now = 1001;
  letIn(limiter, 'a');
  expect(limiter.hasOthers('a')).toBe(false);
});
