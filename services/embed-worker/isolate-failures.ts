import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { isEmbeddingTimeout } from '@memory-layer/shared/embedding/embedding-errors';
import { harmlessText } from '@memory-layer/shared/embedding/guarded-embedder';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { EmbeddedMessage, LeasedMessage } from './lease.ts';

/** A message, or a part of it, with the passages to embed. */
export interface Prepared {
  readonly message: LeasedMessage;
  readonly passages: readonly string[];
  /** Why there are none: fails the message as if it could not be embedded. */
  readonly splitError?: unknown;
}

export interface Refused {
  readonly message: LeasedMessage;
  readonly error: unknown;
  readonly reason: string;
  /** Trying again would end the same. */
  readonly final: boolean;
}

export interface IsolatedOutcome {
  readonly embedded: readonly EmbeddedMessage[];
  /** Not at fault: the embedder is away, or this worker stops. */
  readonly deferred: readonly LeasedMessage[];
  readonly deferReason: string;
  /** Those of the deferred whose call ran out of time: one of them may have kept the embedder from answering. */
  readonly timedOut: readonly LeasedMessage[];
  /** Failed alone, while the embedder works for a harmless text. */
  readonly refused: readonly Refused[];
}

export interface IsolationEmbedders {
  readonly passages: Embedder;
  /** Without a cache: it has to ask the model every time. */
  readonly probe: Embedder;
  /** Called for each message of which something is embedded, also when the rest is not. */
  readonly onProgress?: (message: LeasedMessage) => void;
}

const nothing: IsolatedOutcome = { embedded: [], deferred: [], deferReason: '', timedOut: [], refused: [] };

/**
 * Embeds messages together. When that fails and the embedder still works for a harmless text, the batch is
 * halved until what cannot be embedded stands alone; when it does not, all of them are deferred.
 */
export async function isolateFailures(
  batch: readonly Prepared[],
  embedders: IsolationEmbedders,
  signal: AbortSignal,
): Promise<IsolatedOutcome> {
  if (batch.length === 0) return nothing;
  if (signal.aborted) return deferAll(batch, 'the worker stopped');
  try {
    return { ...nothing, embedded: await embedAll(batch, embedders, signal) };
  } catch (error) {
    if (signal.aborted) return deferAll(batch, 'the worker stopped');
    if (!(await worksFor(harmlessText, embedders.probe, signal))) {
      const outcome = deferAll(batch, reasonOf(error));
      return isEmbeddingTimeout(error) ? { ...outcome, timedOut: outcome.deferred } : outcome;
    }
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      const final = error instanceof AppError && !error.retryable;
      return { ...nothing, refused: [{ message: only.message, error, reason: reasonOf(error), final }] };
    }
    const middle = Math.ceil(batch.length / 2);
    const first = await isolateFailures(batch.slice(0, middle), embedders, signal);
    return merge(first, await isolateFailures(batch.slice(middle), embedders, signal));
  }
}

async function embedAll(
  batch: readonly Prepared[],
  { passages: embedder, onProgress }: IsolationEmbedders,
  signal: AbortSignal,
): Promise<EmbeddedMessage[]> {
  const unsplit = batch.find((prepared) => prepared.splitError !== undefined);
  if (unsplit !== undefined) throw unsplit.splitError;
  const owners = batch.flatMap(({ message, passages }) => passages.map((text) => ({ message, text })));
  const vectors = await embedder.embed(
    owners.map(({ text }) => text),
    {
      kind: 'passage',
      signal,
      onPart: (from, part) => {
        for (const { message } of owners.slice(from, from + part.length)) onProgress?.(message);
      },
    },
  );
  let next = 0;
  return batch.map(({ message, passages }) => {
    const from = next;
    next += passages.length;
    return { ...message, vectors: vectors.slice(from, next) };
  });
}

async function worksFor(text: string, embedder: Embedder, signal: AbortSignal): Promise<boolean> {
  try {
    await embedder.embed([text], { kind: 'passage', signal });
    return true;
  } catch {
    return false;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function deferAll(batch: readonly Prepared[], deferReason: string): IsolatedOutcome {
  return { ...nothing, deferred: batch.map((prepared) => prepared.message), deferReason };
}

function merge(a: IsolatedOutcome, b: IsolatedOutcome): IsolatedOutcome {
  return {
    embedded: [...a.embedded, ...b.embedded],
    deferred: [...a.deferred, ...b.deferred],
    deferReason: a.deferReason === '' ? b.deferReason : a.deferReason,
    timedOut: [...a.timedOut, ...b.timedOut],
    refused: [...a.refused, ...b.refused],
  };
}
