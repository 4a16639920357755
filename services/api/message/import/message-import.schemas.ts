import { z } from '@hono/zod-openapi';
import { messageIdSchema } from '../message.schemas.ts';

/** A line of the answer to an import. */
export const importOutcomeSchema = z
  .object({
    line: z.int().openapi({ description: 'Number of the line in the request, from 1.', example: 1 }),
    status: z
      .enum(['stored', 'duplicate', 'error'])
      .openapi({ description: 'duplicate: stored before, under its external_id.', example: 'stored' }),
    id: messageIdSchema.optional().openapi({ description: 'Of the message, unless status is error.' }),
    code: z
      .string()
      .optional()
      .openapi({ description: 'What kind of error, as in problem details.', example: 'invalid_request' }),
    detail: z.string().optional().openapi({ example: '/role is invalid.' }),
    errors: z
      .array(
        z.object({
          in: z.string().openapi({ example: 'body' }),
          pointer: z.string().openapi({ description: 'JSON Pointer within the line.', example: '/role' }),
          detail: z.string().openapi({ example: 'is invalid' }),
        }),
      )
      .optional(),
  })
  .openapi('ImportOutcome');
