import { z } from '@hono/zod-openapi';
import { conversationIdSchema, numberFromText, tenantIdSchema, timeZoneSchema } from '../../http/field.schemas.ts';
import { onConflictSchema } from '../message.schemas.ts';
import { formatNames } from './formats/catalog.ts';
import { dateOrders } from './formats/format.ts';

export const importQuerySchema = z.strictObject({
  format: z
    .enum(['auto', ...formatNames])
    .optional()
    .openapi({
      description:
        'What the body is; auto, and leaving it out, finds it out by the shape. docs/import.md says what is read of each.',
      example: 'auto',
    }),
  tenant_id: tenantIdSchema
    .optional()
    .openapi({ description: 'Of messages that name none, when the key is bound to none.', example: 'acme' }),
  conversation_id: conversationIdSchema
    .optional()
    .openapi({ description: 'Of messages whose source names no conversation.', example: 'chat-42' }),
  on_conflict: onConflictSchema,
  timezone: timeZoneSchema.default('UTC').openapi({ description: 'The zone of dates and times without an offset.' }),
  date_order: z
    .enum(dateOrders)
    .optional()
    .openapi({ description: 'Of dates such as 5/6/24 in text. Found out, when left out.', example: 'dmy' }),
  dry_run: z.enum(['true', 'false']).default('false').openapi({
    description: 'true stores nothing, and answers the first ten messages as they would be stored, and a summary.',
  }),
  skip: numberFromText(z.int('must be a whole number').min(0, 'must not be negative')).default(0).openapi({
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'Outcomes that were read of an import that broke off: it goes on behind them.',
  }),
});

export type ImportQuery = z.output<typeof importQuerySchema>;
