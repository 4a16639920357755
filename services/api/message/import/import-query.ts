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
        'The format of the body. auto, and no format at all, detect it by its shape. docs/import.md describes each format.',
      example: 'auto',
    }),
  tenant_id: tenantIdSchema
    .optional()
    .openapi({ description: 'The tenant of messages that name none, when the key is bound to none.', example: 'acme' }),
  conversation_id: conversationIdSchema
    .optional()
    .openapi({ description: 'The conversation of messages whose source names none.', example: 'chat-42' }),
  on_conflict: onConflictSchema,
  timezone: timeZoneSchema.default('UTC').openapi({ description: 'The zone of dates and times without an offset.' }),
  date_order: z.enum(dateOrders).optional().openapi({
    description: 'The order of day, month and year in dates such as 5/6/24 in text. Detected when left out.',
    example: 'dmy',
  }),
  dry_run: z.enum(['true', 'false']).default('false').openapi({
    description: 'true stores nothing, and answers with the first ten messages as they would be stored and a summary.',
  }),
  skip: numberFromText(z.int('must be a whole number').min(0, 'must not be negative')).default(0).openapi({
    type: 'integer',
    minimum: 0,
    default: 0,
    description: 'Number of outcomes that were read of an import that broke off. The import continues after them.',
  }),
});

export type ImportQuery = z.output<typeof importQuerySchema>;
