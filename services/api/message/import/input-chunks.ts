export interface InputOptions {
  /** Ends the input as if the client had sent no more. */
  readonly stopping: AbortSignal;
  /** An input that brings nothing for so long is ended too. */
  readonly stallMs: number;
}

/** The bytes of a request, as they come. What is not read is not taken from the connection. */
export async function* inputChunks(
  body: ReadableStream<Uint8Array> | null,
  { stopping, stallMs }: InputOptions,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const chunk = await readUnlessEnded(reader, stopping, stallMs);
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    // The rest is of no interest, nor whether the connection is still there to hear of it.
    await reader.cancel().catch(() => undefined);
  }
}

async function readUnlessEnded(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  stopping: AbortSignal,
  stallMs: number,
): Promise<Uint8Array | undefined> {
  if (stopping.aborted) return undefined;
  const ended = Promise.withResolvers<undefined>();
  const end = (): void => ended.resolve(undefined);
  const timer = setTimeout(end, stallMs);
  stopping.addEventListener('abort', end, { once: true });
  try {
    // When the client is gone there is no more to come, and nobody to tell.
    const result = await Promise.race([reader.read().catch(() => undefined), ended.promise]);
    return result?.value;
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', end);
  }
}
