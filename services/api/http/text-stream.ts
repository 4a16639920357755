export interface TextStreamOptions {
  /** A client that takes nothing for so long, while something is there for it, is cut off. */
  readonly stallMs: number;
  /** Breaks the connection: who does not read would not see an orderly end. */
  readonly cut: () => void;
}

/** The body of a streamed answer. Nothing is asked of the source before the client has taken what there was. */
export function textStream(
  source: AsyncIterator<string>,
  { stallMs, cut }: TextStreamOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stall: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    cut();
    void source.return?.();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stall);
        const next = await source.next();
        if (next.done === true) {
          controller.close();
          return;
        }
        controller.enqueue(encoder.encode(next.value));
        stall = setTimeout(giveUp, stallMs);
      },
      async cancel() {
        clearTimeout(stall);
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
