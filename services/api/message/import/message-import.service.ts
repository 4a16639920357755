import { isRefusedData } from '@memory-layer/shared/db/database-errors';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import type { MessageService } from '../message.service.ts';
import type { NewMessage, OnConflict, Outcome } from '../message.ts';
import { isQueueFull } from '../ingest/message-writer.ts';
import type { FairSlot } from '../../cost/fair-slots.ts';

export interface MessageImportOptions {
  readonly requestId: string;
  readonly onConflict: OnConflict;
  /** Ends the waiting for a full queue. */
  readonly signal: AbortSignal;
  /** Held while the messages are written, and given back while a full queue is waited for. */
  readonly slot: FairSlot;
}

/** Enough groups to keep every writer busy, and half of what a tenant may queue, so that it can also post messages. */
export function importLimits(
  configured: number,
  writing: { readonly maxWriters: number; readonly maxRowsPerFlush: number } | undefined,
) {
  const writers = Math.min(configured, writing?.maxWriters ?? configured);
  return { groupsAtOnce: 4 * writers, linesPerGroup: writing?.maxRowsPerFlush ?? 500 };
}

export type MessageImportService = ReturnType<typeof createMessageImportService>;

/** Longest wait for a place in the queue of the writer. */
const patienceMs = 30_000;

export function createMessageImportService({
  messages,
}: {
  readonly messages: Pick<MessageService, 'create' | 'openStream'>;
}) {
  async function create(input: readonly NewMessage[], { requestId, onConflict, slot }: MessageImportOptions) {
    await slot.take();
    return (await messages.create(input, { mode: 'stream', requestId, onConflict })).outcomes;
  }

  /** Waits where others are refused: a stream is slowed down instead. */
  async function createPatiently(input: readonly NewMessage[], options: MessageImportOptions) {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(patienceMs)]);
    const onRetry = () => options.slot.giveBack();
    return retryUntilDone(() => create(input, options), { signal, shouldRetry: isQueueFull, onRetry });
  }

  return {
    openStream: messages.openStream,

    /**
     * Stores messages of a stream together; when storing one of them is a fault of ours, one after the other: of those
     * with the same external id the first is stored.
     *
     * @returns what became of each, in their order, or why it failed.
     */
    store: async (
      input: readonly NewMessage[],
      options: MessageImportOptions,
    ): Promise<readonly PromiseSettledResult<Outcome>[]> => {
      try {
        return (await createPatiently(input, options)).map(toSettled);
      } catch (error) {
        if (input.length === 1 || !isRefusedData(error)) {
          return input.map(() => ({ status: 'rejected', reason: error }));
        }
      }
      const settled: PromiseSettledResult<Outcome>[] = [];
      for (const message of input) {
        const [alone] = await Promise.allSettled([createPatiently([message], options)]);
        if (alone.status === 'rejected') settled.push(alone);
        else settled.push(...alone.value.map(toSettled));
      }
      return settled;
    },
  };
}

function toSettled(outcome: Outcome | AppError): PromiseSettledResult<Outcome> {
  if (outcome instanceof AppError) return { status: 'rejected', reason: outcome };
  return { status: 'fulfilled', value: outcome };
}
