import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Context } from 'hono';
import type { ApiEnv } from '../../http/api-env.ts';
import { messageIdSchema } from '../../http/field.schemas.ts';
import { requestHeader } from '../../http/node-headers.ts';
import { keySecurity, problems, storingErrors } from '../../http/openapi.ts';
import { textStream } from '../../http/text-stream.ts';
import { invalidRequest, toFieldErrors } from '../../http/validation-hook.ts';
import { countTenants } from '../../http/tenant.ts';
import { checkMessage } from '../check-message.ts';
import type { CheckedMessage, OnConflict } from '../message.ts';
import { onConflictSchema, type MessageCreateSchema } from '../message.schemas.ts';
import type { TimeSlicer } from '../../http/time-slicer.ts';
import { emptyTally, importLines, importStatuses, maxHeldCharacters } from './import-stream.ts';
import { FairSlots } from '../../cost/fair-slots.ts';
import { inputChunks } from './input-chunks.ts';
import type { MessageImportService } from './message-import.service.ts';
import { readLines } from './ndjson-lines.ts';

export interface MessageImportRoutesDeps {
  readonly service: MessageImportService;
  readonly messageSchema: MessageCreateSchema;
  /** With the outcomes that are held for a client, what a stream takes of the memory for bodies. */
  readonly maxLineBytes: number;
  readonly maxLineParts: number;
  /** The input of a client that sends nothing for this long is ended. */
  readonly stallMs: number;
  /** Aborted when this process stops: what has been read is stored, and the answer ends. */
  readonly stopping: AbortSignal;
  readonly slicer: TimeSlicer;
  /** Lines that are stored together at most, and groups of them that all streams together have under way. */
  readonly linesPerGroup: number;
  readonly groupsAtOnce: number;
  readonly logger: Logger;
}

const mediaType = /^application\/(?:x-)?ndjson(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

const description = `One message a line, as POST /v1/messages takes them; any number of lines. The answer has a line for each
line that is not blank, in their order, as soon as its message is durable; the messages arrive in that order, too: read it while you send, since what is not read
slows the import down and at last ends it. A line without an answer may have been stored: send it again under the same
\`external_id\`, and it is stored once. An Idempotency-Key is refused here.`;

const exampleLines = `{"tenant_id":"acme","conversation_id":"chat-42","role":"user","content":"We board at nine.","external_id":"a1"}
{"tenant_id":"acme","conversation_id":"chat-42","role":"user","content":"At gate 12.","external_id":"a2"}
`;

const examples = { lines: { summary: 'Two messages', value: exampleLines } };

const querySchema = z.strictObject({ on_conflict: onConflictSchema });

/** A line of the answer to an import. */
const importOutcomeSchema = z
  .object({
    line: z.int().openapi({ description: 'Number of the line in the request, from 1.', example: 1 }),
    status: z.enum(importStatuses).openapi({
      description:
        'duplicate: stored before, under its external_id. updated: stored before, and has what was sent now. archived: stored before, and archived since. conflict: stored before, and differs.',
      example: 'stored',
    }),
    id: messageIdSchema.optional().openapi({ description: 'Of the message, unless status is conflict or error.' }),
    existing_id: messageIdSchema
      .optional()
      .openapi({ description: 'Of a conflict: the message that is stored under the external_id.' }),
    differs: z
      .array(z.string().openapi({ example: '/metadata' }))
      .optional()
      .openapi({ description: 'Of a conflict: the fields that differ, as JSON Pointers.' }),
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

/** Messages in any number, as a stream. */
export function messageImportRoutes(deps: MessageImportRoutesDeps) {
  const route = createRoute({
    method: 'post',
    path: '/v1/messages/import',
    operationId: 'importMessages',
    tags: ['messages'],
    security: keySecurity,
    summary: 'Store messages from a stream',
    description,
    request: {
      query: querySchema,
      body: {
        required: true,
        content: { 'application/x-ndjson': { schema: z.string().openapi({ example: exampleLines }), examples } },
      },
    },
    responses: {
      200: {
        description: 'One outcome a line, as JSON.',
        content: { 'application/x-ndjson': { schema: importOutcomeSchema } },
      },
      ...problems(...storingErrors, 'unsupported_media_type'),
    },
  });

  const app = new OpenAPIHono<ApiEnv>();
  // Not by `openapi`, which would take the stream for JSON.
  app.openAPIRegistry.registerPath(route);
  const slots = new FairSlots({ count: deps.groupsAtOnce });
  app.post(route.path, (c) => {
    checkHeaders(c);
    const onConflict = readOnConflict(c);
    const { tenantId, keyId } = c.get('credential');
    const slicer = deps.slicer.of(tenantId ?? keyId);
    const memory = c.get('bodyMemory').open(keyId);
    memory.grow(deps.maxLineBytes + maxHeldCharacters);
    const requestId = c.get('requestId');
    const tally = emptyTally();
    const gone = c.req.raw.signal;
    const chunks = inputChunks(c.req.raw.body, { stopping: deps.stopping, stallMs: deps.stallMs });
    const outcomes = importLines(
      readLines(chunks, deps.maxLineBytes, slicer),
      {
        service: deps.service,
        arrive: deps.service.openStream(),
        ...checksFor(c, deps.messageSchema),
        slots,
        // A key of all tenants is many callers: each of its streams has turns of its own.
        slotKey: tenantId ?? requestId,
        slicer,
        maxLineParts: deps.maxLineParts,
        linesPerGroup: deps.linesPerGroup,
        onFault: (error) =>
          deps.logger.error({ requestId, code: error.code, err: error.cause ?? error }, 'import line'),
      },
      { requestId, onConflict, signal: AbortSignal.any([gone, deps.stopping]), tally },
    );
    const end = (): void => {
      memory.release();
      deps.logger.info({ requestId, ...tally }, 'import ended');
    };
    // A client that is gone before the answer starts never starts the stream, which then has no end.
    gone.addEventListener('abort', () => memory.release(), { once: true });
    if (gone.aborted) memory.release();
    return c.body(textStream(callAtEnd(outcomes, end)), 200, {
      'content-type': 'application/x-ndjson',
      // Proxies that buffer answers would make the client wait for its outcomes (nginx).
      'x-accel-buffering': 'no',
    });
  });
  return app;
}

function checkHeaders(c: Context<ApiEnv>): void {
  if (!mediaType.test(requestHeader(c, 'content-type')?.trim() ?? '')) {
    throw new AppError('unsupported_media_type', 'Send the lines as application/x-ndjson in UTF-8.');
  }
  if (requestHeader(c, 'idempotency-key') === undefined) return;
  const detail = 'cannot be used for a stream: give each message an external_id';
  throw invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
}

function readOnConflict(c: Context<ApiEnv>): OnConflict {
  const query = querySchema.safeParse(c.req.query());
  if (!query.success) throw invalidRequest(toFieldErrors(query.error, 'query'));
  return query.data.on_conflict;
}

// So many tenants of a stream are remembered as counted.
const maxAdmitted = 10_000;

/** A stream is one request of each tenant that it has messages for. */
function checksFor(c: Context<ApiEnv>, schema: MessageCreateSchema) {
  const checking = { schema, credential: c.get('credential') };
  const admitted = new Set<string>();
  return {
    check: (value: unknown): CheckedMessage => checkMessage(value, checking),
    async admit(tenantId: string): Promise<AppError | undefined> {
      if (admitted.has(tenantId)) return undefined;
      try {
        await countTenants(c, [tenantId]);
      } catch (error) {
        if (error instanceof AppError) return error;
        throw error;
      }
      if (admitted.size === maxAdmitted) admitted.clear();
      admitted.add(tenantId);
      return undefined;
    },
  };
}

async function* callAtEnd(source: AsyncIterable<string>, end: () => void): AsyncGenerator<string> {
  try {
    yield* source;
  } finally {
    end();
  }
}
