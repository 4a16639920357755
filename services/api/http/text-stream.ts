/**
 * The body of a streamed answer. Nothing is asked of the source before the client has taken what there was; the server
 * disconnects a client that takes nothing.
 *
 * @param onCancel called when the client goes away, before the source is returned: it wakes a source that waits.
 */
export function textStream(
  source: AsyncIterator<string>,
  onCancel: () => void = () => undefined,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done === true) controller.close();
        else controller.enqueue(encoder.encode(next.value));
      },
      async cancel() {
        onCancel();
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
