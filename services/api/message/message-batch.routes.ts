import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import { messageMetadataDeprecation } from '../http/deprecation.ts';
import { answerHeaders } from '../http/node-headers.ts';
import { countUnread, type ReadLimiter } from '../http/tenant-slot.ts';
import { answerJson } from '../http/json-answer.ts';
import { body, bodyErrors, json, needsScope, problems, storingErrors } from '../http/openapi.ts';
import { admitTenants } from '../http/tenant.ts';
import { soleTenantOf } from '../access/caller.ts';
import { parseBatch } from './batch-body.ts';
import { checkMessage } from './check-message.ts';
import { answerCreateOptions, createParameters, readCreateOptions, storesMessages } from './create-options.ts';
import { toBatchJson, type BatchBody } from './message.mapper.ts';
import {
  messageBatchCreateSchema,
  messageBatchExamples,
  messageBatchSchema,
  type MessageCreateSchema,
} from './message.schemas.ts';
import type { MessageService } from './message.service.ts';
import type { TimeSlicer } from '../http/time-slicer.ts';

export interface MessageBatchRoutesDeps {
  readonly service: MessageService;
  readonly messageSchema: MessageCreateSchema;
  readonly readBody: MiddlewareHandler<ApiEnv>;
  readonly maxItemBytes: number;
  readonly maxItemParts: number;
  /** Longest wait that a request may ask for. */
  readonly maxWaitSeconds: number;
  readonly slicer: TimeSlicer;
  readonly limiter: ReadLimiter;
}

/** Up to a thousand messages at once, with an outcome per item. */
export function messageBatchRoutes(deps: MessageBatchRoutesDeps) {
  const { service, messageSchema, readBody, maxItemBytes, maxItemParts, maxWaitSeconds } = deps;
  const create = createRoute({
    method: 'post',
    path: '/v1/messages/batch',
    operationId: 'createMessages',
    tags: ['messages'],
    ...needsScope('messages:write'),
    summary: 'Store up to 1 000 messages',
    description:
      'Valid items are stored; others are reported beside them: invalid ones, and those of more bytes than one message may be sent in. Up to 1 MB of text and metadata, counting a kilobyte more for each message, is stored in one transaction (in the one-process mode a tenth of that). A larger batch is stored in such parts, one after the other; when one fails, its items and those after it are reported as `unavailable`, to be sent again. With an Idempotency-Key all are of one tenant.',
    parameters: createParameters,
    request: { body: body(messageBatchCreateSchema, messageBatchExamples) },
    responses: {
      200: json(messageBatchSchema, 'All stored; nothing is pending.'),
      202: json(messageBatchSchema, 'All stored; embedding is pending.'),
      207: json(messageBatchSchema, 'Some stored, some refused: see errors.'),
      ...problems(...bodyErrors, ...storingErrors),
    },
  });

  const app = new OpenAPIHono<ApiEnv>();
  // Not by `openapi`, which would parse the whole body in one go.
  // The envelope names what an item is, and a message by itself is something more.
  app.openAPIRegistry.register('MessageCreate', messageSchema);
  app.openAPIRegistry.registerPath(create);
  return app.post(create.path, storesMessages(), readBody, async (c) => {
    const caller = c.get('caller');
    const { keyId } = caller;
    const boundTenant = soleTenantOf(caller);
    // An answer repeats what was stored: it may be as large as any.
    const { unread } = deps.limiter;
    unread?.check(boundTenant ?? keyId);
    const slicer = deps.slicer.of(boundTenant ?? keyId);
    const { items, onConflict } = await parseBatch(await c.req.text(), { maxItemBytes, maxItemParts, slicer });
    const checking = { schema: messageSchema, caller };
    const checked = await slicer.map(items, (item, index) =>
      item instanceof AppError ? item : checkMessage(item, checking, ['messages', index]),
    );
    const options = { mode: 'batch', onConflict, ...(await readCreateOptions(c, maxWaitSeconds)) } as const;
    const created = await service.createBatch(checked, options, async (tenantIds) => {
      // A batch is one request of each tenant it is for.
      await admitTenants(c, tenantIds);
      c.get('timeLimit').handOver();
    });
    answerCreateOptions(c, options, created);
    answerHeaders(c, messageMetadataDeprecation);
    const { hasErrors, hasPending, pieces } = await toBatchJson(created.outcomes);
    const answer = hasErrors
      ? answerJson<BatchBody, 207>(c, pieces, 207)
      : answerJson<BatchBody, 200 | 202>(c, pieces, hasPending ? 202 : 200);
    countUnread(c, unread, boundTenant ?? keyId);
    return answer;
  });
}
