import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { importLineStatuses } from '@memory-layer/shared/message/import-statuses';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Context } from 'hono';
import type { ApiEnv } from '../../http/api-env.ts';
import { contentCoding } from '../../http/content-encoding.ts';
import { messageIdSchema } from '../../http/field.schemas.ts';
import { requestHeader } from '../../http/node-headers.ts';
import { needsScope, problems, storingErrors } from '../../http/openapi.ts';
import { textStream } from '../../http/text-stream.ts';
import { readQuery } from '../../http/strict-query.ts';
import { invalidRequest } from '../../http/validation-hook.ts';
import { admitTenants } from '../../http/tenant.ts';
import { soleTenantOf } from '../../access/caller.ts';
import { checkMessage } from '../check-message.ts';
import { isObject } from '../content/json-value.ts';
import type { CheckedMessage } from '../message.ts';
import type { MessageCreateSchema } from '../message.schemas.ts';
import type { TimeSlicer } from '../../http/time-slicer.ts';
import { dryRun } from './dry-run.ts';
import { skipLines } from './format-import.ts';
import { importQuerySchema, type ImportQuery } from './import-query.ts';
import { openSource } from './import-source.ts';
import { emptyTally, importLines, maxHeldCharacters, toOutcomeLine } from './import-stream.ts';
import { FairSlots } from '../../cost/fair-slots.ts';
import { ImportInput } from './import-input.ts';
import { inputChunks } from './input-chunks.ts';
import type { DueCounter } from './due-counter.ts';
import type { MessageImportService } from './message-import.service.ts';

export interface MessageImportRoutesDeps {
  readonly service: MessageImportService;
  readonly messageSchema: MessageCreateSchema;
  /** With the outcomes that are held for a client, what a stream takes of the memory for bodies. */
  readonly maxLineBytes: number;
  readonly maxLineParts: number;
  readonly maxMetadataBytes: number;
  /** The input of a client that sends nothing for this long is ended. */
  readonly stallMs: number;
  /** Aborted when this process stops: what has been read is stored, and the answer ends. */
  readonly stopping: AbortSignal;
  readonly slicer: TimeSlicer;
  /** Lines that are stored together at most, and groups of them that all streams together have under way. */
  readonly linesPerGroup: number;
  readonly groupsAtOnce: number;
  /** Counts, of one import, the messages that retention archives soon. */
  readonly dueCounter: () => DueCounter;
  readonly logger: Logger;
}

const mediaType =
  /^(application\/(?:(?:x-)?ndjson|json|(?:x-)?jsonl|json-lines|octet-stream)|text\/plain)(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const ndjson = /ndjson$/i;

const description = `One message a line, as POST /v1/messages takes them; any number of lines. The answer has a line for each
line that is not blank, in their order, as soon as its message is durable; the messages arrive in that order, too: read it while you send, since what is not read
slows the import down and at last ends it. A line without an answer may have been stored: send it again under the same
\`external_id\`, and it is stored once. A message whose \`expires_at\` is in the past is not stored, and its outcome says so.
The last line has the status \`end\`, the counts of all outcomes, and how many of the stored messages the retention policy in
force archives at the next run; an answer without it was cut off. An Idempotency-Key is refused here.

The body may also be an export of another system: \`format\` names it, or its shape is recognised. Each message gets an
\`external_id\` made of the ids in the source, so another import of the file stores nothing twice. docs/import.md describes the formats.
Send text as \`text/plain\`.
The format of \`application/x-ndjson\` without a \`format\` is detected by its first line, and an error is an outcome.`;

const exampleLines = `{"tenant_id":"acme","conversation_id":"chat-42","role":"user","content":"We board at nine.","external_id":"a1"}
{"tenant_id":"acme","conversation_id":"chat-42","role":"user","content":"At gate 12.","external_id":"a2"}
`;

const exampleChat = {
  id: 'chat-42',
  messages: [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'We board at nine.' }] }],
};
const chatExamples = { chat: { summary: 'A chat of the AI SDK', value: exampleChat } };
const examples = { lines: { summary: 'Two messages', value: exampleLines } };

const countField = (what: string) =>
  z
    .int()
    .optional()
    .openapi({ description: `Of the last line: ${what}`, example: 2 });

const endFields = {
  stored: countField('lines that are stored now.'),
  duplicate: countField('lines that were stored before.'),
  updated: countField('lines whose message has what was sent now.'),
  archived: countField('lines whose message is archived.'),
  expired: countField('lines that had expired.'),
  skipped: countField('lines with nothing to store.'),
  conflict: countField('lines that differ from what is stored.'),
  error: countField('lines that are not stored.'),
  due_for_archive: z.int().nullish().openapi({
    description:
      'Of the last line: of the stored ones, how many the next retention run archives for their age or importance, by the policies in force. Null when it is not known.',
    example: 0,
  }),
};

/** A line of the answer to an import. */
const importOutcomeSchema = z
  .object({
    line: z.int().optional().openapi({
      description: 'Number of the line in the request, from 1; none in a document of JSON, and of the last line.',
      example: 1,
    }),
    pointer: z
      .string()
      .optional()
      .openapi({ description: 'JSON Pointer of the message in its line, or in the document.', example: '/messages/0' }),
    status: z.enum(importLineStatuses).openapi({
      description:
        'duplicate: stored before, under its external_id. updated: stored before, and has what was sent now. archived: stored before, and archived since. conflict: stored before, and differs. expired: past its expires_at, and not stored. skipped: has nothing to store. mapped and summary: of a dry run. end: the last line.',
      example: 'stored',
    }),
    reason: z.string().optional().openapi({ description: 'Why it was skipped.', example: 'no text: image' }),
    id: messageIdSchema.optional().openapi({ description: 'Of a message that is stored.' }),
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
    message: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: 'mapped: as it would be stored.', example: undefined }),
    ...endFields,
  })
  .openapi('ImportOutcome', { description: 'A summary has format, timezone and counts besides.' });

/** Messages in any number, as a stream. */
export function messageImportRoutes(deps: MessageImportRoutesDeps) {
  const route = createRoute({
    method: 'post',
    path: '/v1/messages/import',
    operationId: 'importMessages',
    tags: ['messages'],
    ...needsScope('messages:write'),
    summary: 'Store messages from a stream',
    description,
    request: {
      query: importQuerySchema,
      body: {
        required: true,
        content: {
          'application/x-ndjson': { schema: z.string().openapi({ example: exampleLines }), examples },
          'application/json': { schema: z.unknown().openapi({ example: exampleChat }), examples: chatExamples },
        },
      },
    },
    responses: {
      200: {
        description: 'One outcome a line, as JSON; then a line with counts.',
        content: { 'application/x-ndjson': { schema: importOutcomeSchema } },
      },
      ...problems(...storingErrors, 'unsupported_media_type'),
    },
  });

  const app = new OpenAPIHono<ApiEnv>();
  // Not by `openapi`, which would take the stream for JSON.
  app.openAPIRegistry.registerPath(route);
  const slots = new FairSlots({ count: deps.groupsAtOnce });
  app.post(route.path, async (c) => {
    const query = readQuery(c, importQuerySchema);
    const isLive = checkHeaders(c);
    const coding = contentCoding(c);
    const { keyId } = c.get('caller');
    const tenantId = soleTenantOf(c.get('caller'));
    const slicer = deps.slicer.of(tenantId ?? keyId);
    const memory = c.get('bodyMemory').open(keyId);
    memory.grow(deps.maxLineBytes + maxHeldCharacters);
    const requestId = c.get('requestId');
    const tally = emptyTally();
    const due = deps.dueCounter();
    const gone = c.req.raw.signal;
    const end = (): void => {
      memory.release();
      deps.logger.info({ requestId, ...tally }, 'import ended');
    };
    // A client that is gone before the answer starts never starts the stream, which then has no end.
    gone.addEventListener('abort', () => memory.release(), { once: true });
    const chunks = inputChunks(c.req.raw.body, { stopping: deps.stopping, stallMs: deps.stallMs });
    const input = new ImportInput(chunks, coding);
    const source = await openSource(input.chunks(), query, {
      ...deps,
      slicer,
      memory,
      isLive,
      needsTenant: tenantId === undefined,
    }).catch(async (error: unknown) => {
      memory.release();
      await chunks.return(undefined);
      throw error;
    });
    if (gone.aborted) memory.release();
    const checks = checksFor(c, deps.messageSchema, query);
    const outcomes =
      query.dry_run === 'true'
        ? dryRun(
            source.lines,
            { ...checks, maxLineParts: deps.maxLineParts },
            {
              source,
              timezone: query.timezone,
              requestId,
              slicer,
            },
          )
        : importLines(
            skipLines(source.lines, query.skip),
            {
              service: deps.service,
              arrive: deps.service.openStream(),
              ...checks,
              slots,
              // A key of several tenants is many callers: each of its streams has turns of its own.
              slotKey: tenantId ?? requestId,
              slicer,
              maxLineParts: deps.maxLineParts,
              linesPerGroup: deps.linesPerGroup,
              onStored: (messages) => due.add(messages),
              onFault: (error) =>
                deps.logger.error({ requestId, code: error.code, err: error.cause ?? error }, 'import line'),
            },
            {
              requestId,
              onConflict: query.on_conflict,
              signal: AbortSignal.any([gone, deps.stopping]),
              tally,
            },
          );
    const lastLines = () => {
      const { failure } = input;
      if (failure !== undefined) tally.error += 1;
      const last = `${JSON.stringify({ status: 'end', ...tally, due_for_archive: due.count })}\n`;
      return failure === undefined ? last : toOutcomeLine(undefined, failure, requestId) + last;
    };
    const answer = query.dry_run === 'true' ? outcomes : withLastLine(outcomes, lastLines);
    return c.body(textStream(callAtEnd(answer, end)), 200, {
      'content-type': 'application/x-ndjson',
      // Proxies that buffer answers would make the client wait for its outcomes (nginx).
      'x-accel-buffering': 'no',
    });
  });
  return app;
}

/** @returns whether the body comes line by line, so that the answer must begin after the first line. */
function checkHeaders(c: Context<ApiEnv>): boolean {
  const [, type] = mediaType.exec(requestHeader(c, 'content-type')?.trim() ?? '') ?? [];
  if (type === undefined) {
    const detail = 'Send the lines as application/x-ndjson in UTF-8, or an export as application/json or text/plain.';
    throw new AppError('unsupported_media_type', detail);
  }
  if (requestHeader(c, 'idempotency-key') === undefined) return ndjson.test(type);
  const detail = 'cannot be used for a stream: give each message an external_id';
  throw invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail }]);
}

// Tenants of a stream that are remembered as counted.
const maxAdmitted = 10_000;

/** A stream is one request of each tenant that it has messages for. */
function checksFor(c: Context<ApiEnv>, schema: MessageCreateSchema, query: ImportQuery) {
  const checking = { schema, caller: c.get('caller') };
  const admitted = new Set<string>();
  return {
    check: (value: unknown): CheckedMessage => checkMessage(withDefaults(value, query), checking),
    async admit(tenantId: string): Promise<AppError | undefined> {
      if (admitted.has(tenantId)) return undefined;
      try {
        await admitTenants(c, [tenantId]);
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

/** What the query says of messages that do not say it themselves. */
function withDefaults(value: unknown, { tenant_id, conversation_id }: ImportQuery): unknown {
  if ((tenant_id === undefined && conversation_id === undefined) || !isObject(value)) return value;
  return {
    ...value,
    ...(value['tenant_id'] === undefined && tenant_id !== undefined ? { tenant_id } : {}),
    ...(value['conversation_id'] === undefined && conversation_id !== undefined ? { conversation_id } : {}),
  };
}

/** Comes only when every outcome has been taken: an answer that was cut off has none. */
async function* withLastLine(lines: AsyncIterable<string>, lastLine: () => string): AsyncGenerator<string> {
  yield* lines;
  yield lastLine();
}

async function* callAtEnd(source: AsyncIterable<string>, end: () => void): AsyncGenerator<string> {
  try {
    yield* source;
  } finally {
    end();
  }
}
