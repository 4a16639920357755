import { AppError } from '@memory-layer/shared/errors/app-error';
import { untilUnchanged } from '@memory-layer/shared/testing/eventually';
import { instantOf } from '@memory-layer/shared/time/instant';
import { expect, test } from 'vitest';
import type { NewMessage, Outcome } from '../message.ts';
import { TimeSlicer } from '../../http/time-slicer.ts';
import { FairSlots } from '../../cost/fair-slots.ts';
import { emptyTally, importLines } from './import-stream.ts';
import { createMessageImportService } from './message-import.service.ts';

const arrive = () => ({ id: '', at: instantOf(new Date(0)) });
const openStream = () => arrive;

type Create = (tenantId: string) => Promise<void>;

/** Streams of tenants through the real service, over what the test says of a tenant's writes. */
function streamsOver(create: Create) {
  const slots = new FairSlots({ count: 4 });
  const service = createMessageImportService({
    messages: {
      openStream,
      create: async (input: readonly NewMessage[]) => {
        await create(input[0]?.tenantId ?? '');
        return {
          outcomes: input.map((): Outcome => ({ kind: 'conflict', existingId: 'x', differs: [] })),
          replayed: false,
        };
      },
    },
  });
  return (tenantId: string, count: number, signal: AbortSignal) => {
    async function* lines() {
      yield Array.from({ length: count }, (_, n) => ({ number: n + 1, text: '{}' }));
    }
    const deps = {
      service,
      arrive,
      check: (): NewMessage => ({
        tenantId,
        conversationId: 'c',
        role: 'user',
        content: 'hello',
        metadata: {},
        importanceOverride: undefined,
        externalId: undefined,
        createdAt: undefined,
        expiresAt: undefined,
      }),
      admit: async () => undefined,
      onStored: async () => undefined,
      onFault: () => undefined,
      slots,
      slotKey: tenantId,
      slicer: new TimeSlicer().of('t'),
      maxLineParts: 70_000,
      linesPerGroup: 10,
    };
    return importLines(lines(), deps, { requestId: 'r', signal, onConflict: 'error', tally: emptyTally() });
  };
}

/** How many outcomes a whole stream has. */
async function countOutcomes(stream: AsyncIterable<string>): Promise<number> {
  let count = 0;
  for await (const text of stream) count += text.split('\n').length - 1;
  return count;
}

test('the stream of a tenant whose queue is full keeps no slot from another while it waits to try again', async () => {
  let refused = 0;
  const stream = streamsOver(async (tenantId) => {
    if (tenantId !== 'full') return;
    refused += 1;
    throw new AppError('rate_limited', 'Too many of your messages are waiting.', { retryAfterSeconds: 1 });
  });
  const end = new AbortController();
  const full = countOutcomes(stream('full', 1000, end.signal));
  await expect.poll(() => refused).toBeGreaterThanOrEqual(4);
  expect(await countOutcomes(stream('other', 100, end.signal))).toBe(100);
  end.abort();
  expect(await full).toBe(1000);
});

test('a tenant whose writes take long leaves a quarter of the slots to others', async () => {
  let writing = 0;
  const isOver = Promise.withResolvers<void>();
  const stream = streamsOver(async (tenantId) => {
    if (tenantId !== 'slow') return;
    writing += 1;
    await isOver.promise;
  });
  const { signal } = new AbortController();
  const slow = Array.from({ length: 2 }, () => countOutcomes(stream('slow', 1000, signal)));
  await expect.poll(() => writing).toBeGreaterThanOrEqual(3);
  await untilUnchanged(() => writing);
  expect(writing).toBe(3);
  expect(await countOutcomes(stream('other', 100, signal))).toBe(100);
  isOver.resolve();
  expect(await Promise.all(slow)).toEqual([1000, 1000]);
});

test('a line that was not stored although others of its group were is answered with its own error', async () => {
  const error = new AppError('unavailable', 'not stored');
  const service = createMessageImportService({
    messages: {
      openStream,
      create: async () => ({ outcomes: [{ kind: 'conflict', existingId: 'x', differs: [] }, error], replayed: false }),
    },
  });
  const slot = { take: async () => undefined, giveBack: () => undefined };
  const message = (content: string): NewMessage => ({
    tenantId: 't',
    conversationId: 'c',
    role: 'user',
    content,
    metadata: {},
    importanceOverride: undefined,
    externalId: undefined,
    createdAt: undefined,
    expiresAt: undefined,
  });
  const options = { requestId: 'r', onConflict: 'error', signal: new AbortController().signal, slot } as const;
  expect(await service.store([message('one'), message('two')], options)).toEqual([
    { status: 'fulfilled', value: { kind: 'conflict', existingId: 'x', differs: [] } },
    { status: 'rejected', reason: error },
  ]);
});
