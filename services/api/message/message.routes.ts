import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { ApiEnv } from '../http/api-env.ts';
import { jsonBody } from '../http/json-body.ts';
import { body, bodyErrors, commonErrors, json, keySecurity, problems, storingErrors } from '../http/openapi.ts';
import { admitTenant } from '../http/admit-tenant.ts';
import { validationHook } from '../http/validation-hook.ts';
import { answerCreateOptions, createParameters, readCreateOptions, storesMessages } from './create-options.ts';
import { toMessageError } from './message-error.ts';
import { isKept, isPending } from './message.ts';
import { toMessageBody, toNewMessage, toOutcomeBody } from './message.mapper.ts';
import {
  createdMessageSchema,
  messageCreateSchema,
  messageIdSchema,
  messageListQuerySchema,
  messagePageSchema,
  messageSchema,
  tenantIdSchema,
} from './message.schemas.ts';
import type { MessageService } from './message.service.ts';

const tags = ['messages'];
const inQuery = { in: 'query', pointer: '/tenant_id' } as const;
const security = keySecurity;
const byId = {
  params: z.strictObject({ id: messageIdSchema }),
  query: z.strictObject({ tenant_id: tenantIdSchema.optional() }),
};

export interface MessageRoutesDeps {
  readonly service: MessageService;
  readonly maxBodyBytes: number;
  /** Longest wait that a request may ask for. */
  readonly maxWaitSeconds: number;
}

/** Single messages: store, read, list, delete. */
export function messageRoutes({ service, maxBodyBytes, maxWaitSeconds }: MessageRoutesDeps) {
  const create = createRoute({
    method: 'post',
    path: '/v1/messages',
    tags,
    security,
    summary: 'Store a message',
    description: 'Answers once the message is durable. It is embedded afterwards: see embedding_status.',
    middleware: [storesMessages(), jsonBody({ maxBytes: maxBodyBytes })] as const,
    parameters: createParameters,
    request: { body: body(messageCreateSchema) },
    responses: {
      200: json(createdMessageSchema, 'Nothing is pending; or it was stored before, under its external_id.'),
      202: json(createdMessageSchema, 'Stored; embedding is pending.'),
      ...problems(...bodyErrors, ...storingErrors, 'conflict'),
    },
  });

  const list = createRoute({
    method: 'get',
    path: '/v1/messages',
    tags,
    security,
    summary: 'List messages',
    request: { query: messageListQuerySchema },
    responses: {
      200: json(messagePageSchema, 'A page, by created_at.'),
      ...problems(...commonErrors),
    },
  });

  const get = createRoute({
    method: 'get',
    path: '/v1/messages/{id}',
    tags,
    security,
    summary: 'Read a message',
    request: byId,
    responses: {
      200: json(messageSchema, 'The message.'),
      ...problems(...commonErrors, 'not_found'),
    },
  });

  const remove = createRoute({
    method: 'delete',
    path: '/v1/messages/{id}',
    tags,
    security,
    summary: 'Delete a message',
    description: 'Deletes the message, its vectors and its archived copy. It cannot be found from then on.',
    request: byId,
    responses: {
      204: { description: 'Deleted.' },
      ...problems(...commonErrors, 'not_found', 'conflict'),
    },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook })
    .openapi(create, async (c) => {
      const input = c.req.valid('json');
      const tenantId = await admitTenant(c, input.tenant_id, { in: 'body', pointer: '/tenant_id' });
      const options = { mode: 'single', ...(await readCreateOptions(c, maxWaitSeconds)) } as const;
      c.get('timeLimit').handOver();
      const created = await service.create([toNewMessage(input, tenantId)], options);
      const [outcome] = created.outcomes;
      if (outcome === undefined) throw new Error('the stored message was not answered');
      if (!isKept(outcome)) throw toMessageError(outcome, '');
      answerCreateOptions(c, options, created);
      return c.json(toOutcomeBody(outcome), outcome.kind === 'stored' && isPending(outcome) ? 202 : 200);
    })
    .openapi(list, async (c) => {
      const query = c.req.valid('query');
      const page = await service.list({
        tenantId: await admitTenant(c, query.tenant_id, inQuery),
        conversationId: query.conversation_id,
        order: query.order,
        cursor: query.cursor,
        limit: query.limit,
      });
      return c.json({ items: page.items.map(toMessageBody), next_cursor: page.nextCursor ?? null }, 200);
    })
    .openapi(get, async (c) => {
      const tenantId = await admitTenant(c, c.req.valid('query').tenant_id, inQuery);
      return c.json(toMessageBody(await service.getById(tenantId, c.req.valid('param').id)), 200);
    })
    .openapi(remove, async (c) => {
      const tenantId = await admitTenant(c, c.req.valid('query').tenant_id, inQuery);
      await service.deleteById(tenantId, c.req.valid('param').id);
      return c.body(null, 204);
    });
}
