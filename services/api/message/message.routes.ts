import { AppError } from '@memory-layer/shared/errors/app-error';
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { messageIdSchema, tenantIdSchema } from '../http/field.schemas.ts';
import { costOfDelete, costOfListing, costOfRead } from '../cost/request-cost.ts';
import type { MiddlewareHandler } from 'hono';
import type { AuditOriginOf } from '../audit/request-audit.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { messageMetadataDeprecation } from '../http/deprecation.ts';
import { answerHeaders } from '../http/node-headers.ts';
import { body, bodyErrors, commonErrors, json, needsScope, problems, storingErrors } from '../http/openapi.ts';
import { admitTenant } from '../http/tenant.ts';
import { checkedBody } from '../http/checked-body.ts';
import { AnswerBudget, answerJson, answerJsonText, jsonList, jsonObject, takeWhileFits } from '../http/json-answer.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import { answerCreateOptions, createParameters, readCreateOptions, storesMessages } from './create-options.ts';
import { encodeCursor } from './message-cursor.ts';
import { isKept, isPending } from './message.ts';
import { toListedBody, toMessageBody, toMessageError, toNewMessage, toOutcomeBody } from './message.mapper.ts';
import {
  createdMessageSchema,
  messageExamples,
  messageListQuerySchema,
  messagePageSchema,
  messageSchema,
  type SingleMessageSchema,
} from './message.schemas.ts';
import type { MessageService } from './message.service.ts';

const tags = ['messages'];
const inQuery = { in: 'query', pointer: '/tenant_id' } as const;
const byId = {
  params: z.strictObject({ id: messageIdSchema }),
  query: z.strictObject({ tenant_id: tenantIdSchema.optional() }),
};

export interface MessageRoutesDeps {
  readonly service: MessageService;
  readonly singleMessageSchema: SingleMessageSchema;
  readonly limiter: ReadLimiter;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  /** Longest wait that a request may ask for. */
  readonly maxWaitSeconds: number;
  readonly auditOriginOf: AuditOriginOf;
}

/** Single messages: store, read, list, delete. */
export function messageRoutes(deps: MessageRoutesDeps) {
  const { service, limiter, readBody, maxWaitSeconds, auditOriginOf } = deps;
  const create = createRoute({
    method: 'post',
    path: '/v1/messages',
    operationId: 'createMessage',
    tags,
    ...needsScope('messages:write'),
    summary: 'Store a message',
    description: 'Answers once the message is durable. It is embedded afterwards: see embedding_status.',
    parameters: createParameters,
    request: { body: body(deps.singleMessageSchema, messageExamples) },
    responses: {
      200: json(createdMessageSchema, 'Nothing is pending; or it was stored before: see duplicate, updated, archived.'),
      202: json(createdMessageSchema, 'Stored; embedding is pending.'),
      ...problems(...bodyErrors, ...storingErrors, 'conflict'),
    },
  });

  const list = createRoute({
    method: 'get',
    path: '/v1/messages',
    operationId: 'listMessages',
    tags,
    ...needsScope('messages:read'),
    summary: 'List messages',
    description: 'A page ends early, with next_cursor, where the answer would become larger than 16 MiB.',
    request: { query: messageListQuerySchema },
    responses: {
      200: json(messagePageSchema, 'A page, by created_at.'),
      ...problems(...commonErrors),
    },
  });

  const get = createRoute({
    method: 'get',
    path: '/v1/messages/{id}',
    operationId: 'getMessage',
    tags,
    ...needsScope('messages:read'),
    summary: 'Read a message',
    description: 'Also one that retention has archived: see archived_at.',
    request: byId,
    responses: {
      200: json(messageSchema, 'The message.'),
      ...problems(...commonErrors, 'not_found'),
    },
  });

  const remove = createRoute({
    method: 'delete',
    path: '/v1/messages/{id}',
    operationId: 'deleteMessage',
    tags,
    ...needsScope('erase'),
    summary: 'Delete a message',
    description: 'Deletes the message, its vectors and its archived copy. It cannot be found from then on.',
    request: byId,
    responses: {
      204: { description: 'Deleted.' },
      ...problems(...commonErrors, 'not_found', 'conflict'),
    },
  });

  const app = new OpenAPIHono<ApiEnv>({ defaultHook: validationHook });
  // Not by `openapi`: see `checkedBody`.
  app.openAPIRegistry.registerPath(create);
  app.post(create.path, storesMessages(), readBody, async (c) => {
    const input = await checkedBody(c, deps.singleMessageSchema);
    const tenantId = await admitTenant(c, input.tenant_id, { in: 'body', pointer: '/tenant_id' }, 'store');
    const onConflict = input.on_conflict;
    const options = { mode: 'single', onConflict, ...(await readCreateOptions(c, maxWaitSeconds)) } as const;
    c.get('timeLimit').handOver();
    const created = await service.create([toNewMessage(input, tenantId)], options);
    const [outcome] = created.outcomes;
    if (outcome === undefined) throw new Error('the stored message was not answered');
    if (outcome instanceof AppError) throw outcome;
    if (!isKept(outcome)) throw toMessageError(outcome, '');
    answerCreateOptions(c, options, created);
    answerHeaders(c, messageMetadataDeprecation);
    const status = outcome.kind === 'stored' && isPending(outcome) ? 202 : 200;
    return answerJsonText(c, JSON.stringify(toOutcomeBody(outcome)), status);
  });
  return app
    .openapi(list, async (c) => {
      const query = c.req.valid('query');
      const { order, cursor, limit } = query;
      const tenantId = await admitTenant(c, query.tenant_id, inQuery);
      const read = { limiter, tenantId, cost: costOfListing({ limit }) };
      return withTenantSlot(c, read, async () => {
        const page = await service.list({
          tenantId,
          conversationId: query.conversation_id,
          order,
          cursor,
          limit,
          signal: c.get('signal')(),
        });
        const shown = await takeWhileFits(page.items, toListedBody, new AnswerBudget());
        const last = page.items[shown.length - 1];
        const isLast = last === undefined || (page.isLast && shown.length === page.items.length);
        const nextCursor = isLast ? null : encodeCursor({ ...last, order });
        const pieces = jsonObject({ next_cursor: nextCursor }, { items: jsonList(shown) });
        return answerJson<z.input<typeof messagePageSchema>, 200>(c, pieces, 200);
      });
    })
    .openapi(get, async (c) => {
      const tenantId = await admitTenant(c, c.req.valid('query').tenant_id, inQuery);
      return withTenantSlot(c, { limiter, tenantId, cost: costOfRead }, async () => {
        const message = await service.getById(tenantId, c.req.valid('param').id, c.get('signal')());
        answerHeaders(c, messageMetadataDeprecation);
        return answerJson<z.input<typeof messageSchema>, 200>(c, [JSON.stringify(toMessageBody(message))], 200);
      });
    })
    .openapi(remove, async (c) => {
      const tenantId = await admitTenant(c, c.req.valid('query').tenant_id, inQuery, 'change');
      // By the deadline alone: a client that goes away has asked for it all the same.
      const signal = c.get('deadline');
      return withTenantSlot(c, { limiter, tenantId, cost: costOfDelete, signal }, async () => {
        await service.deleteById(tenantId, c.req.valid('param').id, auditOriginOf(c), signal);
        return c.body(null, 204);
      });
    });
}
