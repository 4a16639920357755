import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { ApiEnv } from '../http/api-env.ts';
import type { Credential } from '../http/api-key.ts';
import { jsonBody } from '../http/json-body.ts';
import { body, bodyErrors, commonErrors, json, keySecurity, problems } from '../http/openapi.ts';
import { resolveTenant } from '../http/resolve-tenant.ts';
import { invalidRequest, toFieldErrors, validationHook } from '../http/validation-hook.ts';
import { toMessageBody, toNewMessage } from './message.mapper.ts';
import { messageBatchCreateSchema, messageBatchSchema, messageCreateSchema } from './message.schemas.ts';
import type { MessageService } from './message.service.ts';
import type { NewMessage } from './message.ts';

export interface MessageBatchRoutesDeps {
  readonly service: MessageService;
  readonly maxBodyBytes: number;
}

/** Up to a thousand messages at once, with an outcome per item. */
export function messageBatchRoutes({ service, maxBodyBytes }: MessageBatchRoutesDeps) {
  const create = createRoute({
    method: 'post',
    path: '/v1/messages/batch',
    tags: ['messages'],
    security: keySecurity,
    summary: 'Store up to 1 000 messages',
    description: 'Valid items are stored together, in one transaction; invalid ones are reported beside them.',
    middleware: [jsonBody({ maxBytes: maxBodyBytes })] as const,
    request: { body: body(messageBatchCreateSchema) },
    responses: {
      202: json(messageBatchSchema, 'All stored; embedding is pending.'),
      207: json(messageBatchSchema, 'Some stored, some refused: see errors.'),
      ...problems(...bodyErrors, ...commonErrors),
    },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook }).openapi(create, async (c) => {
    const outcomes = c.req.valid('json').messages.map((item, index) => checkItem(item, index, c.get('credential')));
    const accepted = outcomes.filter((outcome): outcome is NewMessage => !(outcome instanceof AppError));
    // A batch is one request of each tenant it is for.
    for (const tenantId of new Set(accepted.map((message) => message.tenantId))) await c.get('countTenant')(tenantId);
    const options = { mode: 'batch', requestId: c.get('requestId') } as const;
    const stored = accepted.length === 0 ? [] : await service.create(accepted, options);
    const errors = outcomes.flatMap((outcome, index) =>
      outcome instanceof AppError ? [toBatchError(outcome, index)] : [],
    );
    const answer = { created: stored.map(toMessageBody), updated: [], deleted: [], errors };
    return c.json(answer, errors.length === 0 ? 202 : 207);
  });
}

/** A message, or why it cannot be one. */
function checkItem(item: unknown, index: number, credential: Credential): NewMessage | AppError {
  const parsed = messageCreateSchema.safeParse(item);
  if (!parsed.success) return invalidRequest(toFieldErrors(parsed.error, 'body', ['messages', index]));
  try {
    const where = { in: 'body', pointer: `/messages/${index}/tenant_id` } as const;
    return toNewMessage(parsed.data, resolveTenant(credential, parsed.data.tenant_id, where));
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

function toBatchError(error: AppError, index: number) {
  return { message_index: index, error: error.message, code: error.code, errors: [...error.errors] };
}
