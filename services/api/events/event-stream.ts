import { textStream } from '../http/text-stream.ts';
import type { EventSubscription, Delivery } from './event-subscription.ts';
import type { MessageEvent } from './event-log.ts';
import { encodePosition, type EventPosition } from './event-position.ts';

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

const resetDetail =
  'The log does not reach back to the id that was asked for. Read again what you need to know; events go on from here.';

/** The fields of server-sent events (WHATWG HTML, section 9.2) for what a stream has to send. */
function toEventText(delivery: Exclude<Delivery, { kind: 'end' }>, tenantId: string): string {
  switch (delivery.kind) {
    case 'events':
      return delivery.events.map(eventText).join('');
    case 'reset':
      return eventFields('reset', delivery.next, { tenant_id: tenantId, detail: resetDetail });
    case 'idle':
      // An id without data is no event, but moves Last-Event-ID on: after a quiet hour it still lies within the log.
      return `: nothing new\nid: ${encodePosition(delivery.next)}\n\n`;
  }
}

function eventText({ type, messageId, tenantId, at, next }: MessageEvent): string {
  return eventFields(type, next, { message_id: messageId, tenant_id: tenantId, at: at.toISOString() });
}

function eventFields(type: string, next: EventPosition, data: object): string {
  return `event: ${type}\nid: ${encodePosition(next)}\ndata: ${JSON.stringify(data)}\n\n`;
}
