import { AppError } from '@memory-layer/shared/errors/app-error';
import { retryUntilDone } from '@memory-layer/shared/lifecycle/retry';
import type { MessageService } from '../message.service.ts';
import type { NewMessage, Outcome } from '../message.ts';

export interface MessageImportOptions {
  readonly requestId: string;
  /** Ends the waiting for a full queue. */
  readonly signal: AbortSignal;
}

export type MessageImportService = ReturnType<typeof createMessageImportService>;

/** Longest wait for a place in the queue of the writer. */
const patienceMs = 30_000;

export function createMessageImportService({ messages }: { readonly messages: Pick<MessageService, 'create'> }) {
  return {
    /**
     * Stores messages of a stream together. Waits where others are refused: a stream is slowed down instead.
     *
     * @returns what became of each, in their order.
     * @throws as {@link MessageService.create}.
     */
    async store(
      input: readonly NewMessage[],
      { requestId, signal }: MessageImportOptions,
    ): Promise<readonly Outcome[]> {
      const create = async () => (await messages.create(input, { mode: 'stream', requestId })).outcomes;
      const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      return retryUntilDone(create, { signal: patience, shouldRetry: isFull, onRetry: () => undefined });
    },
  };
}

/** Only what never got to the database may be tried again: else what has no external id could be stored twice. */
function isFull(error: unknown): boolean {
  if (!(error instanceof AppError)) return false;
  return error.code === 'rate_limited' || (error.code === 'unavailable' && error.cause === undefined);
}
