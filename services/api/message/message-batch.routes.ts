import { createRoute, OpenAPIHono, type z } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../http/api-env.ts';
import { requestLimits } from '../cost/request-cost.ts';
import { AnswerBudget, answerJson, jsonList, jsonObject, type JsonPiece } from '../http/json-answer.ts';
import { body, bodyErrors, json, keySecurity, problems, storingErrors } from '../http/openapi.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import { parseBatch } from './batch-body.ts';
import { checkMessage } from './check-message.ts';
import { answerCreateOptions, createParameters, readCreateOptions, storesMessages } from './create-options.ts';
import { toOutcomeBody } from './message.mapper.ts';
import { messageBatchCreateSchema, messageBatchSchema, type MessageCreateSchema } from './message.schemas.ts';
import { toMessageError } from './message-error.ts';
import type { MessageService } from './message.service.ts';
import { isKept, isPending, type Kept, type NewMessage, type Outcome } from './message.ts';
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
}

/** Up to a thousand messages at once, with an outcome per item. */
export function messageBatchRoutes(deps: MessageBatchRoutesDeps) {
  const { service, messageSchema, readBody, maxItemBytes, maxItemParts, maxWaitSeconds } = deps;
  const create = createRoute({
    method: 'post',
    path: '/v1/messages/batch',
    tags: ['messages'],
    security: keySecurity,
    summary: 'Store up to 1 000 messages',
    description:
      'Valid items are stored together, in one transaction; others are reported beside them: invalid ones, and those of more bytes than one message may be sent in. With an Idempotency-Key all are of one tenant.',
    middleware: [storesMessages(), readBody] as const,
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
    const { tenantId: boundTenant, keyId } = c.get('credential');
    const slicer = deps.slicer.of(boundTenant ?? keyId);
    const items = await parseBatch(await c.req.text(), { maxItemBytes, maxItemParts, slicer });
    const checking = { schema: messageSchema, credential: c.get('credential') };
    const checked = await slicer.map(items, (item, index) =>
      item instanceof AppError ? item : checkMessage(item, checking, ['messages', index]),
    );
    const accepted = checked.filter((item): item is NewMessage => !(item instanceof AppError));
    const tenantIds = new Set(accepted.map((message) => message.tenantId));
    const options = { mode: 'batch', ...(await readCreateOptions(c, maxWaitSeconds)) } as const;
    if (options.idempotency !== undefined && tenantIds.size > 1) throw keyForManyTenants();
    // A batch is one request of each tenant it is for.
    for (const tenantId of tenantIds) await c.get('rates').count('tenant', tenantId);
    c.get('timeLimit').handOver();
    const created = await service.create(accepted, options);
    answerCreateOptions(c, options, created);
    const { hasErrors, pieces } = await toBatchJson(checked, created.outcomes);
    if (hasErrors) return answerJson<BatchBody, 207>(c, pieces, 207);
    return answerJson<BatchBody, 200 | 202>(c, pieces, created.outcomes.some(isPending) ? 202 : 200);
  });
}

type BatchBody = z.input<typeof messageBatchSchema>;

// What an item has in the answer at least: its external id is the longest part of that.
const shortItemBytes = 3 * 1024;

/**
 * The answer as JSON. Items are whole as far as they fit, and short from the first on that does not.
 *
 * @param outcomes of the items that are no error, in their order.
 */
async function toBatchJson(checked: readonly (NewMessage | AppError)[], outcomes: readonly Outcome[]) {
  const budget = new AnswerBudget(requestLimits.answerBytes - checked.length * shortItemBytes);
  const created: JsonPiece[] = [];
  const errors: JsonPiece[] = [];
  let isFull = false;
  async function take(whole: object, short: () => object): Promise<JsonPiece> {
    const piece = isFull ? undefined : await budget.take(whole);
    isFull = piece === undefined;
    return piece ?? JSON.stringify(short());
  }

  let next = 0;
  for (const [index, item] of checked.entries()) {
    const outcome = item instanceof AppError ? item : outcomes[next++];
    if (outcome === undefined) throw new Error('a message of the batch has no outcome');
    if (!(outcome instanceof AppError) && isKept(outcome)) {
      const message = toOutcomeBody(outcome);
      created.push(await take(message, () => shortened(message)));
    } else {
      const error = toBatchError(outcome, index);
      errors.push(await take(error, () => ({ ...error, errors: [], truncated: true })));
    }
  }
  const lists = { created: jsonList(created), updated: ['[]'], deleted: ['[]'], errors: jsonList(errors) };
  return { hasErrors: errors.length > 0, pieces: jsonObject({}, lists) };
}

function shortened(message: ReturnType<typeof toOutcomeBody>): BatchBody['created'][number] {
  const { content: _, metadata: __, message_metadata: ___, ...rest } = message;
  return { ...rest, truncated: true };
}

function keyForManyTenants(): AppError {
  const detail = 'is for messages of one tenant';
  return invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
}

function toBatchError(outcome: AppError | Exclude<Outcome, Kept>, index: number): BatchBody['errors'][number] {
  const error = outcome instanceof AppError ? outcome : toMessageError(outcome, `/messages/${index}`);
  return { message_index: index, error: error.message, code: error.code, errors: [...error.errors] };
}
