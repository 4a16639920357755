import type { AuditEvent } from '@memory-layer/shared/audit/audit-event';
import { createLogger } from '@memory-layer/shared/observability/logger';
import { createMetrics } from '@memory-layer/shared/observability/metrics';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AuditRecorder, maxRefusalsPerWindow, type RecordedEvent } from './audit-recorder.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp() {
  const written: AuditEvent[] = [];
  const statements: number[] = [];
  const database = { isAway: false };
  const metrics = createMetrics();
  const recorder = new AuditRecorder({
    append: async (events) => {
      if (database.isAway) throw new Error('the database is away');
      statements.push(events.length);
      written.push(...events);
    },
    logger: createLogger({ service: 'test', level: 'silent' }),
    metrics,
  });
  const lost = async (reason: string) => {
    const { values } = await metrics.auditEventsLost.get();
    return values.find(({ labels }) => labels.reason === reason)?.value;
  };
  return { recorder, written, statements, database, lost };
}

function refusal(actorId?: string): RecordedEvent {
  return {
    at: new Date(),
    actor: actorId === undefined ? undefined : { id: actorId, name: actorId },
    requestId: 'r-1',
    address: '203.0.113.7',
    tenantId: actorId,
    action: 'request.authorize',
    objectType: 'route',
    objectId: 'GET /metrics',
    outcome: 'refused',
    changes: {},
  };
}

const times = (count: number, act: () => void): void => Array.from({ length: count }).forEach(act);
const leftOut = (events: readonly AuditEvent[]) => events.filter(({ changes }) => 'left_out' in changes);

describe('refusals', () => {
  test('of a minute are written up to a number; a row at its end says how many others there were', async () => {
    const { recorder, written } = setUp();
    times(1000, () => recorder.recordRefusal(refusal()));
    await vi.advanceTimersByTimeAsync(59_999);
    expect(written).toHaveLength(maxRefusalsPerWindow);
    await vi.advanceTimersByTimeAsync(2);
    expect(written).toHaveLength(maxRefusalsPerWindow + 1);
    expect(written.at(-1)).toMatchObject({
      actor: undefined,
      requestId: undefined,
      address: undefined,
      outcome: 'refused',
      changes: { left_out: 1000 - maxRefusalsPerWindow, seconds: 60 },
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of the next minute are written again', async () => {
    const { recorder, written } = setUp();
    times(maxRefusalsPerWindow, () => recorder.recordRefusal(refusal()));
    await vi.advanceTimersByTimeAsync(60_001);
    recorder.recordRefusal(refusal());
    await vi.advanceTimersByTimeAsync(1);
    expect(written).toHaveLength(maxRefusalsPerWindow + 1);
    expect(leftOut(written)).toEqual([]);
  });

  test('of one key do not hide those of another', async () => {
    const { recorder, written } = setUp();
    times(500, () => recorder.recordRefusal(refusal('noisy')));
    times(500, () => recorder.recordRefusal(refusal()));
    recorder.recordRefusal(refusal('quiet'));
    await vi.advanceTimersByTimeAsync(60_001);
    expect(written.filter(({ actor }) => actor?.id === 'quiet')).toHaveLength(1);
    expect(leftOut(written).map(({ actor, tenantId }) => [actor?.id, tenantId])).toEqual([
      ['noisy', 'noisy'],
      [undefined, undefined],
    ]);
  });

  test('of very many keys take bounded memory and rows', async () => {
    const { recorder, written } = setUp();
    for (let n = 0; n < 5000; n += 1) recorder.recordRefusal(refusal(`key-${n}`));
    await vi.advanceTimersByTimeAsync(60_001);
    const others = 5000 - 1000 - maxRefusalsPerWindow;
    expect(leftOut(written).map(({ actor, changes }) => [actor, changes['left_out']])).toEqual([[undefined, others]]);
    expect(written).toHaveLength(1000 + maxRefusalsPerWindow + 1);
  });

  test('that were left out are written when the process stops', async () => {
    const { recorder, written } = setUp();
    times(maxRefusalsPerWindow + 5, () => recorder.recordRefusal(refusal()));
    await recorder.close();
    expect(leftOut(written)).toMatchObject([{ changes: { left_out: 5 } }]);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(leftOut(written)).toHaveLength(1);
  });
});

describe('what cannot be written', () => {
  test('for the database is counted, and harms nothing', async () => {
    const { recorder, written, database, lost } = setUp();
    database.isAway = true;
    times(3, () => recorder.record(refusal('a')));
    await vi.advanceTimersByTimeAsync(1);
    database.isAway = false;
    recorder.record(refusal('a'));
    await recorder.close();
    expect([written.length, await lost('database'), await lost('queue')]).toEqual([1, 3, 0]);
  });

  test('for its number is counted; the rest goes in few statements', async () => {
    const { recorder, written, statements, lost } = setUp();
    times(12_000, () => recorder.record(refusal('a')));
    await recorder.close();
    expect([written.length, await lost('queue')]).toEqual([10_000, 2000]);
    expect(statements).toHaveLength(20);
  });
});
