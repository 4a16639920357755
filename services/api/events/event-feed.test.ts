import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeEventLog } from '../testing/fake-event-log.ts';
import { EventFeed } from './event-feed.ts';
import type { LogRow } from './event-log.ts';
import { startOf, type EventPosition } from './event-position.ts';
import type { EventSubscription } from './event-subscription.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pollMs = 250;

function setUp({ maxStreams = 10, maxStreamsPerTenant = 5, maxStreamsPerKey = 10 } = {}) {
  const log = new FakeEventLog();
  const metrics = createMetrics();
  const logLines: string[] = [];
  const logger = createLogger({
    service: 'test',
    level: 'info',
    stream: { write: (line) => void logLines.push(line) },
  });
  const feed = new EventFeed({ log, pollMs, maxStreams, maxStreamsPerTenant, maxStreamsPerKey, logger, metrics });
  const leaving = new AbortController();
  const subscribe = (tenantId: string, after?: EventPosition, types?: ReadonlySet<LogRow['type']>, keyId = 'a-key') =>
    feed.subscribe({ tenantId, keyId, types, after, signal: leaving.signal });
  const openStreams = async () => (await metrics.eventStreams.get()).values[0]?.value;
  return { log, feed, subscribe, leaving, openStreams, logLines };
}

/** A client that takes whatever there is, and notes it. */
function follow(subscription: EventSubscription) {
  const seen: string[] = [];
  const done = (async () => {
    for (;;) {
      const delivery = await subscription.take(15_000);
      if (delivery.kind === 'end') return;
      if (delivery.kind === 'events') seen.push(...delivery.events.map(({ messageId }) => messageId));
      else seen.push(delivery.kind);
    }
  })();
  return { seen, done };
}

const polls = (count: number) => vi.advanceTimersByTimeAsync(count * pollMs);

describe('a feed of events', () => {
  test('publishes to each the events of its own tenant, with one query for all', async () => {
    const { log, subscribe } = setUp();
    const [one, two, other] = [
      follow(await subscribe('acme')),
      follow(await subscribe('acme')),
      follow(await subscribe('globex')),
    ];
    await polls(1);
    log.queries.length = 0;
    log.append('acme', ['a', 'b']);
    log.append('globex', ['x']);
    log.append('initech', ['y']);
    await polls(1);
    expect([one.seen, two.seen, other.seen]).toEqual([['a', 'b'], ['a', 'b'], ['x']]);
    expect(log.queries.map(({ tenantIds }) => tenantIds)).toEqual([['acme', 'globex']]);
  });

  test('publishes only the types that were asked for', async () => {
    const { log, subscribe } = setUp();
    const { seen } = follow(await subscribe('acme', undefined, new Set(['message.failed'] as const)));
    await polls(1);
    log.append('acme', ['a']);
    log.append('acme', ['b'], 'message.failed');
    await polls(1);
    expect(seen).toEqual(['b']);
  });

  test('reads nothing while nobody listens', async () => {
    const { log, feed, subscribe, leaving } = setUp();
    await feed.start();
    await polls(10);
    expect(log.queries).toEqual([]);
    const follower = follow(await subscribe('acme'));
    await polls(2);
    leaving.abort();
    await follower.done;
    log.queries.length = 0;
    await polls(10);
    expect(log.queries).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('publishes what happened since a place, then goes on with what happens', async () => {
    const { log, subscribe } = setUp();
    const ids = Array.from({ length: 70 }, (_, n) => `m${n}`);
    for (const id of ids.slice(0, 60)) log.append('acme', [id]);
    const { seen } = follow(await subscribe('acme', { transactionId: 11n, eventId: 0n, index: 0 }));
    await polls(2);
    for (const id of ids.slice(60)) log.append('acme', [id]);
    await polls(1);
    expect(seen).toEqual(ids.slice(10));
  });

  test('goes on within a row', async () => {
    const { log, subscribe } = setUp();
    log.append('acme', ['a', 'b', 'c']);
    const { seen } = follow(await subscribe('acme', { transactionId: 1n, eventId: 1n, index: 1 }));
    await polls(1);
    expect(seen).toEqual(['b', 'c']);
  });

  test('loses nothing of a tenant that joins while others are being read for', async () => {
    const { log, subscribe } = setUp();
    follow(await subscribe('acme'));
    await polls(1);
    let joined: Promise<EventSubscription> | undefined;
    // Asked for acme alone, but answered after globex has joined and something has happened there: the head passes by.
    log.beforeAnswer = () => {
      log.beforeAnswer = () => undefined;
      joined = subscribe('globex');
      log.append('globex', ['x']);
    };
    await polls(1);
    if (joined === undefined) throw new Error('nobody joined');
    const { seen } = follow(await joined);
    await polls(3);
    expect(seen).toEqual(['x']);
    log.append('globex', ['y']);
    await polls(1);
    expect(seen).toEqual(['x', 'y']);
  });

  test('lets a slow client fall behind and catch up, with no more than its share in memory', async () => {
    const { log, subscribe } = setUp();
    const [slow, quick] = [await subscribe('acme'), follow(await subscribe('acme'))];
    await polls(1);
    const numbers = [...Array(480).keys()];
    const rows = numbers.slice(0, 40).map((row) => numbers.map((n) => `m${row}-${n}`));
    for (const ids of rows) {
      log.append('acme', ids);
      await polls(1);
    }
    expect(slow.state).toBe('behind');
    expect(quick.seen).toEqual(rows.flat());
    const late = follow(slow);
    await polls(3);
    expect(late.seen).toEqual(rows.flat());
    expect(slow.state).toBe('live');
    log.append('acme', ['last']);
    await polls(1);
    expect(late.seen.at(-1)).toBe('last');
  });

  test('says so when the log does not reach back, at the beginning and on the way', async () => {
    const { log, subscribe, feed } = setUp();
    log.append('acme', ['lost']);
    log.append('acme', ['old']);
    log.prunedBefore = 2n;
    const { seen } = follow(await subscribe('acme', startOf(1n)));
    await polls(1);
    log.append('acme', ['new']);
    await polls(1);
    expect(seen).toEqual(['reset', 'new']);
    log.append('acme', ['lost too']);
    log.prunedBefore = 5n;
    await polls(1);
    log.append('acme', ['newer']);
    await polls(1);
    expect(seen).toEqual(['reset', 'new', 'reset', 'newer']);
    await feed.stop();
  });

  test('goes on after the database was away, and complains once', async () => {
    const { log, subscribe, logLines } = setUp();
    const { seen } = follow(await subscribe('acme'));
    await polls(1);
    log.isAway = true;
    log.append('acme', ['a']);
    await polls(10);
    expect(seen).toEqual([]);
    log.isAway = false;
    await polls(1);
    expect(seen).toEqual(['a']);
    expect(logLines).toHaveLength(1);
  });

  test('gives a sign of life with its place when nothing happens', async () => {
    const { log, subscribe } = setUp();
    const subscription = await subscribe('acme');
    await polls(2);
    log.append('globex', ['x']);
    const idle = subscription.take(15_000);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(await idle).toEqual({ kind: 'idle', next: startOf(2n) });
  });
});

describe('how many streams there are', () => {
  test('is limited for a tenant, and counted', async () => {
    const { subscribe, openStreams } = setUp({ maxStreamsPerTenant: 2 });
    const first = await subscribe('acme');
    await subscribe('acme');
    await expect(subscribe('acme')).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 5 });
    await subscribe('globex');
    expect(await openStreams()).toBe(3);
    first.close();
    first.close();
    await subscribe('acme');
    expect(await openStreams()).toBe(3);
  });

  test('is limited for a key, whatever tenants it asks for', async () => {
    const { subscribe } = setUp({ maxStreamsPerKey: 2 });
    const first = await subscribe('a');
    await subscribe('b');
    await expect(subscribe('c')).rejects.toMatchObject({ code: 'rate_limited', retryAfterSeconds: 5 });
    await subscribe('c', undefined, undefined, 'another-key');
    first.close();
    await subscribe('c');
  });

  test('is limited for the process, also while they begin', async () => {
    const { subscribe } = setUp({ maxStreams: 2 });
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((tenantId) => subscribe(tenantId)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  });

  test('is not used up by those that could not begin', async () => {
    const { log, subscribe, leaving, openStreams } = setUp({ maxStreams: 1 });
    log.isAway = true;
    await expect(subscribe('acme')).rejects.toThrow('away');
    log.isAway = false;
    log.beforeAnswer = () => leaving.abort();
    await expect(subscribe('acme')).rejects.toThrow();
    expect(await openStreams()).toBe(0);
  });
});

test('when the process goes down all streams end, and none begins', async () => {
  const { feed, subscribe, openStreams } = setUp();
  const followers = [follow(await subscribe('acme')), follow(await subscribe('globex'))];
  await polls(1);
  await feed.stop();
  await Promise.all(followers.map(({ done }) => done));
  await expect(subscribe('acme')).rejects.toMatchObject({ code: 'unavailable' });
  expect(await openStreams()).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
