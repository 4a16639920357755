import type { EventSubscription } from './event-subscription.ts';
import { toEventText } from './event-text.ts';

export interface EventStreamOptions {
  readonly subscription: Pick<EventSubscription, 'take' | 'close' | 'closed' | 'tenantId'>;
  /** A sign of life when nothing happens. */
  readonly heartbeatMs: number;
  /** A client that takes nothing for so long while something is there for it is cut off. */
  readonly stallMs: number;
  /** Breaks the connection: who does not read would not see an orderly end. */
  readonly cut: () => void;
}

/** How long a client waits before it connects again. */
const retryMs = 2000;
/** How long a client may take for what it was sent already once the stream ends. */
const closeGraceMs = 1000;

/** The body of a stream of events. Nothing is asked of the subscription before the client has taken what there was. */
export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  const { subscription, heartbeatMs, stallMs, cut } = options;
  const encoder = new TextEncoder();
  let stall: NodeJS.Timeout | undefined;
  let isBegun = false;

  function limitWaiting(ms: number): void {
    clearTimeout(stall);
    stall = setTimeout(() => {
      stall = undefined;
      subscription.close();
      cut();
    }, ms);
  }

  function clientIsThere(): void {
    clearTimeout(stall);
    stall = undefined;
  }

  /** A client that reads is told of the end; for one that does not, nobody waits long. */
  async function hurryOnceClosed(): Promise<void> {
    await subscription.closed;
    if (stall !== undefined) limitWaiting(closeGraceMs);
  }

  async function nextText(): Promise<string | undefined> {
    if (!isBegun) {
      isBegun = true;
      return `retry: ${retryMs}\n\n`;
    }
    const delivery = await subscription.take(heartbeatMs);
    return delivery.kind === 'end' ? undefined : toEventText(delivery, subscription.tenantId);
  }

  // From the beginning: some responses are never read, such as those to HEAD.
  limitWaiting(stallMs);
  void hurryOnceClosed();

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clientIsThere();
        const text = await nextText();
        if (text === undefined) {
          controller.close();
          return;
        }
        controller.enqueue(encoder.encode(text));
        limitWaiting(stallMs);
      },
      cancel() {
        clientIsThere();
        subscription.close();
      },
    },
    // Nothing is fetched ahead: what waits, waits in the log.
    { highWaterMark: 0 },
  );
}
