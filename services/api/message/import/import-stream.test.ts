import { AppError } from '@memory-layer/shared/errors/app-error';
import { untilUnchanged } from '@memory-layer/shared/testing/eventually';
import { instantOf } from '@memory-layer/shared/time/instant';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Arrival, NewMessage, Outcome } from '../message.ts';
import { TimeSlicer } from '../../http/time-slicer.ts';
import { FairSlots } from '../../cost/fair-slots.ts';
import { emptyTally, importLines } from './import-stream.ts';

const message: NewMessage = {
  tenantId: 't',
  conversationId: 'c',
  role: 'user',
  content: 'hello',
  metadata: {},
  importanceOverride: undefined,
  externalId: undefined,
  createdAt: undefined,
  expiresAt: undefined,
};

const arrive = (): Arrival => ({ id: '', at: instantOf(new Date(0)) });

/** A stream of lines without end. How many of them were read, and how many were being stored at most. */
function endless(
  slots: FairSlots,
  text = '{}',
  check: () => NewMessage | AppError = () => message,
  firstStored: Promise<void> = Promise.resolve(),
) {
  const seen = { read: 0, storing: 0, mostStoring: 0, calls: 0 };
  async function* lines() {
    for (;;) yield Array.from({ length: 50 }, () => ({ number: (seen.read += 1), text }));
  }
  const stored = { status: 'fulfilled', value: { kind: 'refused' } } as const;
  const store = async (input: readonly NewMessage[]) => {
    seen.storing += input.length;
    seen.mostStoring = Math.max(seen.mostStoring, seen.storing);
    await new Promise((resolve) => setImmediate(resolve));
    if (input.length > 0 && seen.calls++ === 0) await firstStored;
    seen.storing -= input.length;
    return input.map(() => stored);
  };
  const outcomes = importLines(
    lines(),
    {
      service: { store },
      arrive,
      check,
      admit: async () => undefined,
      onStored: async () => undefined,
      onFault: () => undefined,
      slots,
      slotKey: 't',
      slicer: new TimeSlicer().of('t'),
      maxLineParts: 70_000,
      linesPerGroup: 100,
    },
    { requestId: 'r', signal: new AbortController().signal, onConflict: 'error', tally: emptyTally() },
  );
  return { outcomes, seen };
}

test('a client that does not read its outcomes has a bounded number of lines read', async () => {
  const { outcomes, seen } = endless(new FairSlots({ count: 16 }));
  await outcomes.next();
  await untilUnchanged(() => seen.read);
  expect(seen.read).toBeLessThanOrEqual(1000);
  await outcomes.return(undefined);
});

test('and a bounded number of characters held for it', async () => {
  const refusal = new AppError('invalid_request', 'x'.repeat(100_000));
  const { outcomes, seen } = endless(new FairSlots({ count: 16 }), 'x'.repeat(10_000), () => refusal);
  for (let n = 0; n < 3; n++) await outcomes.next();
  await untilUnchanged(() => seen.read);
  // Six lines are a group, whose outcomes are more than half of what is held.
  expect(seen.read).toBeLessThanOrEqual(200);
  await outcomes.return(undefined);
});

test('while the first group is stored, 16 groups are read, and of long outcomes as many as may be held', async () => {
  const refusal = new AppError('invalid_request', 'x'.repeat(100_000));
  let checked = 0;
  const refuseAllButFirst = () => ((checked += 1) === 1 ? message : refusal);
  for (const [check, atLeast, atMost] of [
    [() => message, 16 * 50, 16 * 50],
    // A group of 50 has outcomes of 5 MB. Beside the first group one is worked on at a time, of three slots.
    [refuseAllButFirst, 50, 5 * 50],
  ] as const) {
    const firstStored = Promise.withResolvers<void>();
    const { outcomes, seen } = endless(new FairSlots({ count: 3 }), '{}', check, firstStored.promise);
    const first = outcomes.next();
    await untilUnchanged(() => seen.read);
    expect(seen.read).toBeGreaterThanOrEqual(atLeast);
    expect(seen.read).toBeLessThanOrEqual(atMost);
    firstStored.resolve();
    await first;
    await outcomes.return(undefined);
  }
});

test('many streams together store no more at a time than the slots allow', async () => {
  const slots = new FairSlots({ count: 4 });
  const streams = Array.from({ length: 20 }, () => endless(slots));
  let storing = 0;
  await Promise.all(
    streams.map(async ({ outcomes, seen }) => {
      for (let n = 0; n < 5; n++) {
        await outcomes.next();
        storing = Math.max(
          storing,
          streams.reduce((sum, stream) => sum + stream.seen.storing, 0),
          seen.storing,
        );
      }
      await outcomes.return(undefined);
    }),
  );
  expect(storing).toBeLessThanOrEqual(4 * 50);
  expect(storing).toBeGreaterThan(0);
});

test('the outcomes of all lines come in their order, also of groups that are stored out of order', async () => {
  async function* lines() {
    for (let first = 0; first < 2000; first += 400) {
      yield Array.from({ length: 400 }, (_, n) => ({ number: first + n + 1, text: `{"n":${first + n}}` }));
    }
  }
  const store = async (input: readonly NewMessage[]): Promise<PromiseFulfilledResult<Outcome>[]> => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    return input.map(({ content }) => ({
      status: 'fulfilled',
      value: { kind: 'conflict', existingId: content, differs: ['role'] },
    }));
  };
  const texts: string[] = [];
  const deps = {
    service: { store },
    arrive,
    check: (value: unknown) => ({ ...message, content: JSON.stringify(value) }),
    admit: async () => undefined,
    onStored: async () => undefined,
    onFault: () => undefined,
    slots: new FairSlots({ count: 16 }),
    slotKey: 't',
    slicer: new TimeSlicer().of('t'),
    maxLineParts: 70_000,
    linesPerGroup: 100,
  };
  const options = {
    requestId: 'r',
    signal: new AbortController().signal,
    onConflict: 'error',
    tally: emptyTally(),
  } as const;
  for await (const text of importLines(lines(), deps, options)) texts.push(...text.split('\n').filter(Boolean));
  expect(texts).toHaveLength(2000);
  for (const [n, text] of texts.entries()) {
    expect(text).toContain(`"line":${n + 1},`);
    expect(text).toContain(`\\"n\\":${n}}`);
  }
  expect(options.tally).toEqual({ ...emptyTally(), conflict: 2000 });
});

test('places are given, and of one external id the first is stored first, in the order of the lines', async () => {
  const chunks = fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 }), { maxLength: 12 });
  const delays = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(chunks, delays, fc.integer({ min: 1, max: 20 }), async (externalIds, waits, linesPerGroup) => {
      let places = 0;
      let calls = 0;
      const stored: NewMessage[] = [];
      const store = async (input: readonly NewMessage[]): Promise<PromiseFulfilledResult<Outcome>[]> => {
        for (let n = waits[(calls += 1) % waits.length] ?? 0; n > 0; n--) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        stored.push(...input);
        return input.map(() => ({ status: 'fulfilled', value: { kind: 'refused' } }));
      };
      async function* lines() {
        let number = 0;
        for (const some of externalIds) yield some.map((id) => ({ number: (number += 1), text: `"${id}"` }));
      }
      const deps = {
        service: { store },
        arrive: (): Arrival => ({ id: String((places += 1)).padStart(6, '0'), at: instantOf(new Date(places)) }),
        check: (value: unknown): NewMessage => ({ ...message, externalId: String(value) }),
        admit: async () => undefined,
        onStored: async () => undefined,
        onFault: () => undefined,
        slots: new FairSlots({ count: 3 }),
        slotKey: 't',
        slicer: new TimeSlicer().of('t'),
        maxLineParts: 70_000,
        linesPerGroup,
      };
      const tally = emptyTally();
      const options = { requestId: 'r', onConflict: 'error', signal: new AbortController().signal, tally } as const;
      for await (const text of importLines(lines(), deps, options)) expect(text).toContain('"line":');
      const inOrder = externalIds.flat().map((id, n) => [String(n + 1).padStart(6, '0'), String(id)]);
      const placed = stored.map(({ arrival, externalId }) => [arrival?.id, externalId]);
      expect(placed.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual(inOrder);
      for (const own of Map.groupBy(stored, ({ externalId }) => externalId).values()) {
        const ids = own.map(({ arrival }) => [arrival?.id]);
        expect(ids).toEqual(ids.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)));
      }
    }),
  );
});
