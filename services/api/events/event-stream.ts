import { textStream } from '../http/text-stream.ts';
import type { EventSubscription } from './event-subscription.ts';
import { toEventText } from './event-text.ts';

export interface EventStreamOptions {
  readonly subscription: Pick<EventSubscription, 'take' | 'close' | 'tenantId'>;
  /** A sign of life when nothing happens. */
  readonly heartbeatMs: number;
}

/** How long a client waits before it connects again. */
const retryMs = 2000;

/** The body of a stream of events. Nothing is asked of the subscription before the client has taken what there was. */
export function eventStream(options: EventStreamOptions): ReadableStream<Uint8Array> {
  return textStream(eventTexts(options), () => options.subscription.close());
}

async function* eventTexts({ subscription, heartbeatMs }: EventStreamOptions): AsyncGenerator<string> {
  yield `retry: ${retryMs}\n\n`;
  for (;;) {
    const delivery = await subscription.take(heartbeatMs);
    if (delivery.kind === 'end') return;
    yield toEventText(delivery, subscription.tenantId);
  }
}
