import type { z } from '@hono/zod-openapi';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { requestLimits } from '../cost/request-cost.ts';
import { AnswerBudget, jsonList, jsonObject, type JsonPiece } from '../http/json-answer.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import { isKept, isPending, type Kept, type MessageWithStatus, type NewMessage, type Outcome } from './message.ts';
import type {
  createdMessageSchema,
  listedMessageSchema,
  MessageCreate,
  messageBatchSchema,
  messageSchema,
} from './message.schemas.ts';

/** From the wire to the domain. */
export function toNewMessage(body: MessageCreate, tenantId: string): NewMessage {
  return {
    tenantId,
    conversationId: body.conversation_id,
    role: body.role,
    content: body.content,
    metadata: body.metadata ?? undefined,
    importanceOverride: body.importance_override ?? body.importance ?? undefined,
    externalId: body.external_id ?? undefined,
    createdAt: body.created_at ?? undefined,
    expiresAt: body.expires_at,
  };
}

/** From the domain to the wire: a message that was stored, now or before. */
export function toOutcomeBody(outcome: Kept): z.input<typeof createdMessageSchema> {
  const body = toMessageBody(outcome.message);
  return outcome.kind === 'stored' ? body : { ...body, [outcome.kind]: true };
}

/** From the domain to the wire: a message on the paths that the service before had. */
export function toMessageBody(message: MessageWithStatus): z.input<typeof messageSchema> {
  const archived = message.archivedAt === undefined ? {} : { archived_at: message.archivedAt };
  return { ...toListedBody(message), ...archived, message_metadata: message.metadata };
}

/** From the domain to the wire: a message in a list. */
export function toListedBody(message: MessageWithStatus): z.input<typeof listedMessageSchema> {
  return {
    id: message.id,
    tenant_id: message.tenantId,
    conversation_id: message.conversationId,
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    importance_score: message.importance,
    embedding_status: message.embeddingStatus,
    external_id: message.externalId ?? null,
    created_at: message.createdAt,
    updated_at: message.updatedAt,
    expires_at: message.expiresAt ?? null,
  };
}

/** Why a message is not stored. @param pointer JSON Pointer of the message; empty for the whole body. */
export function toMessageError(outcome: Exclude<Outcome, Kept>, pointer: string): AppError {
  if (outcome.kind === 'refused') return messageRefused(pointer);
  const { existingId, differs } = outcome;
  const detail = `differs from that of message ${existingId}, which has this external_id`;
  const errors = differs.map((field) => ({ in: 'body' as const, pointer: `${pointer}/${field}`, detail }));
  return new AppError('conflict', `${errors.map((error) => error.pointer).join(', ')} ${detail}.`, { errors });
}

/** @param pointer JSON Pointer of the message; empty for the whole body. */
function messageRefused(pointer: string): AppError {
  const detail = 'cannot be stored: its text or metadata is more than the database takes';
  return invalidRequest([{ in: 'body', pointer, detail }]);
}

export type BatchBody = z.input<typeof messageBatchSchema>;

// What an item has in the answer at least: its external id is the longest part of that.
const shortItemBytes = 3 * 1024;

/**
 * From the domain to the wire: a batch, as JSON. Items are whole as far as they fit, and short from the first on that
 * does not.
 *
 * @param outcomes one an item.
 */
export async function toBatchJson(outcomes: readonly (Outcome | AppError)[]) {
  const budget = new AnswerBudget(requestLimits.answerBytes - outcomes.length * shortItemBytes);
  const created: JsonPiece[] = [];
  const updated: JsonPiece[] = [];
  const errors: JsonPiece[] = [];
  let isFull = false;
  let hasPending = false;
  async function take(whole: object, short: () => object): Promise<JsonPiece> {
    const piece = isFull ? undefined : await budget.take(whole);
    isFull = piece === undefined;
    return piece ?? JSON.stringify(short());
  }

  for (const [index, outcome] of outcomes.entries()) {
    if (!(outcome instanceof AppError) && isKept(outcome)) {
      hasPending ||= isPending(outcome);
      const message = toOutcomeBody(outcome);
      (outcome.kind === 'updated' ? updated : created).push(await take(message, () => shortened(message)));
    } else {
      const error = toBatchError(outcome, index);
      errors.push(await take(error, () => ({ ...error, errors: [], truncated: true })));
    }
  }
  const lists = { created: jsonList(created), updated: jsonList(updated), deleted: ['[]'], errors: jsonList(errors) };
  return { hasErrors: errors.length > 0, hasPending, pieces: jsonObject({}, lists) };
}

function shortened(message: ReturnType<typeof toOutcomeBody>): BatchBody['created'][number] {
  const { content: _, metadata: __, message_metadata: ___, ...rest } = message;
  return { ...rest, truncated: true };
}

function toBatchError(outcome: AppError | Exclude<Outcome, Kept>, index: number): BatchBody['errors'][number] {
  const error = outcome instanceof AppError ? outcome : toMessageError(outcome, `/messages/${index}`);
  const detail = error.publicDetail ?? error.message;
  const differs = 'differs' in outcome ? { differs: outcome.differs.map((field) => `/${field}`) } : {};
  return { message_index: index, error: detail, code: error.code, ...differs, errors: [...error.errors] };
}
