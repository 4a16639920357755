import type { MessageEvent } from './event-log.ts';
import { encodePosition, type EventPosition } from './event-position.ts';
import type { Delivery } from './event-subscription.ts';

const resetDetail =
  'The log does not reach back to the id that was asked for. Read again what you need to know; events go on from here.';

/** The fields of server-sent events (WHATWG HTML, section 9.2) for what a stream has to send. */
export function toEventText(delivery: Exclude<Delivery, { kind: 'end' }>, tenantId: string): string {
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
