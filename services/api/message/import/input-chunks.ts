export interface InputOptions {
  /** Ends the input as if the client had sent no more. */
  readonly stopping: AbortSignal;
  /** An input is ended too that brings neither the end of a line nor a kilobyte for this long. */
  readonly stallMs: number;
}

// A byte now and then is no progress: it would hold a stream open without end.
const minProgressBytes = 1024;
const lineFeed = 10;

/** The bytes of a request, as they come. What is not read is not taken from the connection. */
export async function* inputChunks(
  body: ReadableStream<Uint8Array> | null,
  { stopping, stallMs }: InputOptions,
): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  let leftMs = stallMs;
  let sinceProgress = 0;
  try {
    for (;;) {
      // The time in which nobody asks for input is not the client's.
      const asked = performance.now();
      const chunk = await readUnlessEnded(reader, stopping, leftMs);
      if (chunk === undefined) return;
      sinceProgress += chunk.length;
      const isProgress = sinceProgress >= minProgressBytes || chunk.includes(lineFeed);
      leftMs = isProgress ? stallMs : leftMs - (performance.now() - asked);
      if (isProgress) sinceProgress = 0;
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
  if (stopping.aborted || stallMs <= 0) return undefined;
  const ended = Promise.withResolvers<undefined>();
  const end = (): void => ended.resolve(undefined);
  const timer = setTimeout(end, stallMs);
  stopping.addEventListener('abort', end, { once: true });
  try {
    // When the client is gone no more comes, and nobody reads an answer.
    const result = await Promise.race([reader.read().catch(() => undefined), ended.promise]);
    return result?.value;
  } finally {
    clearTimeout(timer);
    stopping.removeEventListener('abort', end);
  }
}
