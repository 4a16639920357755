import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { ApiEnv } from '../http/api-env.ts';
import { jsonBody } from '../http/json-body.ts';
import { body, bodyErrors, json, keySecurity, problems, storingErrors } from '../http/openapi.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import { parseBatch } from './batch-body.ts';
import { checkMessage } from './check-message.ts';
import { answerCreateOptions, createParameters, readCreateOptions, storesMessages } from './create-options.ts';
import { toOutcomeBody } from './message.mapper.ts';
import { messageBatchCreateSchema, messageBatchSchema } from './message.schemas.ts';
import { toMessageError } from './message-error.ts';
import type { MessageService } from './message.service.ts';
import { isKept, isPending, type NewMessage, type Outcome } from './message.ts';
import type { TimeSlicer } from './time-slicer.ts';

export interface MessageBatchRoutesDeps {
  readonly service: MessageService;
  readonly maxBodyBytes: number;
  readonly maxItemBytes: number;
  /** Longest wait that a request may ask for. */
  readonly maxWaitSeconds: number;
  readonly slicer: TimeSlicer;
}

/** Up to a thousand messages at once, with an outcome per item. */
export function messageBatchRoutes(deps: MessageBatchRoutesDeps) {
  const { service, maxBodyBytes, maxItemBytes, maxWaitSeconds, slicer } = deps;
  const create = createRoute({
    method: 'post',
    path: '/v1/messages/batch',
    tags: ['messages'],
    security: keySecurity,
    summary: 'Store up to 1 000 messages',
    description:
      'Valid items are stored together, in one transaction; others are reported beside them: invalid ones, and those of more bytes than one message may be sent in. With an Idempotency-Key all are of one tenant.',
    middleware: [storesMessages(), jsonBody({ maxBytes: maxBodyBytes })] as const,
    parameters: createParameters,
    request: { body: body(messageBatchCreateSchema) },
    responses: {
      200: json(messageBatchSchema, 'All stored; nothing is pending.'),
      202: json(messageBatchSchema, 'All stored; embedding is pending.'),
      207: json(messageBatchSchema, 'Some stored, some refused: see errors.'),
      ...problems(...bodyErrors, ...storingErrors),
    },
  });

  const app = new OpenAPIHono<ApiEnv>();
  // Not by `openapi`, which would parse the whole body in one go.
  app.openAPIRegistry.registerPath(create);
  return app.post(create.path, ...create.middleware, async (c) => {
    const items = await parseBatch(await c.req.text(), { maxItemBytes, slicer });
    const checked = await slicer.map(items, (item, index) =>
      item instanceof AppError ? item : checkMessage(item, c.get('credential'), ['messages', index]),
    );
    const accepted = checked.filter((item): item is NewMessage => !(item instanceof AppError));
    const tenantIds = new Set(accepted.map((message) => message.tenantId));
    const options = { mode: 'batch', ...(await readCreateOptions(c, maxWaitSeconds)) } as const;
    if (options.idempotency !== undefined && tenantIds.size > 1) throw keyForManyTenants();
    // A batch is one request of each tenant it is for.
    for (const tenantId of tenantIds) await c.get('countTenant')(tenantId);
    c.get('timeLimit').handOver();
    const created = await service.create(accepted, options);
    const answer = toBatchBody(checked, created.outcomes);
    answerCreateOptions(c, options, created);
    if (answer.errors.length > 0) return c.json(answer, 207);
    return c.json(answer, created.outcomes.some(isPending) ? 202 : 200);
  });
}

/** @param outcomes of the items that are no error, in their order. */
function toBatchBody(checked: readonly (NewMessage | AppError)[], outcomes: readonly Outcome[]) {
  const created: ReturnType<typeof toOutcomeBody>[] = [];
  const errors: ReturnType<typeof toBatchError>[] = [];
  let next = 0;
  for (const [index, item] of checked.entries()) {
    const outcome = item instanceof AppError ? item : outcomes[next++];
    if (outcome === undefined) throw new Error('a message of the batch has no outcome');
    if (outcome instanceof AppError) errors.push(toBatchError(outcome, index));
    else if (isKept(outcome)) created.push(toOutcomeBody(outcome));
    else errors.push(toBatchError(toMessageError(outcome, `/messages/${index}`), index));
  }
  return { created, updated: [], deleted: [], errors };
}

function keyForManyTenants(): AppError {
  const detail = 'is for messages of one tenant';
  return invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
}

function toBatchError(error: AppError, index: number) {
  return { message_index: index, error: error.message, code: error.code, errors: [...error.errors] };
}
