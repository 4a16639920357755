import { z } from '@hono/zod-openapi';
import { messageEventTypes, type MessageEventType } from '@memory-layer/shared/message/message-event';
import { tenantIdSchema } from '../http/field.schemas.ts';
import { decodePosition, type EventPosition } from './event-position.ts';

const known: readonly string[] = messageEventTypes;
const isType = (text: string): text is MessageEventType => known.includes(text);

const typesSchema = z
  .string()
  .transform((text, context): ReadonlySet<MessageEventType> => {
    const types = text.split(',').map((type) => type.trim());
    if (types.every(isType)) return new Set(types);
    context.addIssue({ code: 'custom', message: `must be one or more of ${known.join(', ')}, separated by commas` });
    return z.NEVER;
  })
  .openapi({
    type: 'string',
    description: 'Only these, separated by commas.',
    example: 'message.embedded,message.failed',
  });

export const eventQuerySchema = z.strictObject({
  tenant_id: tenantIdSchema.optional(),
  types: typesSchema.optional(),
});

const lastEventIdSchema = z
  .string()
  .transform((text, context): EventPosition | undefined => {
    // What a client sends that has no id yet.
    if (text === '') return undefined;
    const position = decodePosition(text);
    if (position !== undefined) return position;
    context.addIssue({ code: 'custom', message: 'must be an id that a stream of events gave' });
    return z.NEVER;
  })
  .openapi({
    type: 'string',
    description:
      'The id of the last event that was seen, such as 8817-412-3: the stream goes on behind it. Left out: from now on.',
  });

export const eventHeadersSchema = z.object({ 'last-event-id': lastEventIdSchema.optional() });

const example = `event: message.embedded
id: 8817-412-3
data: {"message_id":"0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f","tenant_id":"acme","at":"2026-01-31T12:00:00.000Z"}

`;

export const eventStreamSchema = z
  .string()
  .openapi({ description: 'Server-sent events (WHATWG HTML, section 9.2).', example });
