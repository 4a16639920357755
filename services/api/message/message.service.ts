import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { EmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import type { IdempotencyRequest } from './idempotency/idempotency.ts';
import type { EmbeddingWaiter, WaitOptions } from '../message-wait/embedding-waiter.ts';
import { replay } from './idempotency/replay.ts';
import { decodeCursor } from './message-cursor.ts';
import type { MessageRepository } from './message.repository.ts';
import { isKept, isPending, type MessageWithStatus, type NewMessage, type Outcome } from './message.ts';
import type { TimeSlicer } from '../http/time-slicer.ts';
import { createMessageIds } from './write/message-id.ts';
import { toMessageRow, type MessageRow } from './write/message-row.ts';
import type { MessageWriter } from './write/message-writer.ts';

export interface MessageServiceDeps {
  readonly messages: MessageRepository;
  readonly writer: Pick<MessageWriter, 'write'>;
  readonly bell: EmbeddingBell;
  readonly waiter: Pick<EmbeddingWaiter, 'waitUntilEmbedded'>;
  /** The generation that new messages are embedded for. */
  readonly activeGeneration: () => number;
  readonly clock: Clock;
  readonly slicer: TimeSlicer;
  readonly metrics: Pick<Metrics, 'messagesIngested'>;
}

export interface CreateOptions {
  readonly mode: 'single' | 'batch' | 'stream';
  readonly requestId: string;
  readonly signal?: AbortSignal;
  /** Makes the request take effect once; then all its messages are of one tenant. */
  readonly idempotency?: IdempotencyRequest | undefined;
  /** Answers once no message is pending any more, or after this time. */
  readonly wait?: WaitOptions | undefined;
}

export interface Created {
  /** One a message, in the order they were given. */
  readonly outcomes: readonly Outcome[];
  /** Whether this is the answer of an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface ListRequest {
  readonly tenantId: string;
  readonly conversationId: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly cursor: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export interface MessagePage {
  /** Fewer than asked for when more would be too much for one answer. */
  readonly items: readonly MessageWithStatus[];
  /** None comes after these. */
  readonly isLast: boolean;
}

const fewMessages = 32;

export type MessageService = ReturnType<typeof createMessageService>;

export function createMessageService(deps: MessageServiceDeps) {
  const { messages, writer, bell, waiter, activeGeneration, clock, slicer, metrics } = deps;
  const nextId = createMessageIds();

  return {
    /**
     * Stores messages, all or none, but for those that were stored before under their external id. When it returns
     * they are durable; they are searchable by words at once and by meaning after an embed worker has been there.
     *
     * @throws AppError `invalid_request` when the idempotency key was used for another request, `unavailable`,
     * `rate_limited`: as {@link MessageWriter.write}.
     */
    async create(input: readonly NewMessage[], options: CreateOptions): Promise<Created> {
      if (input.length === 0) return { outcomes: [], replayed: false };
      const now = clock.now();
      const generation = activeGeneration();
      const toRow = (message: NewMessage) => toMessageRow(message, generation, now, nextId());
      // Hashing the contents of a large batch takes some tens of milliseconds.
      const rows =
        input.length > fewMessages ? await slicer.of(input[0]?.tenantId ?? '').map(input, toRow) : input.map(toRow);
      const claim = toClaim(rows, options.idempotency);
      const result = await writer.write({ rows, claim }, options.signal);
      if (result.kind === 'recorded') {
        if (claim?.requestHash.equals(result.answer.requestHash) !== true) throw keyOfAnotherRequest();
        return { outcomes: replay(input, generation, result.answer.outcomes), replayed: true };
      }
      const stored = result.outcomes.flatMap((outcome) => (outcome.kind === 'stored' ? [outcome.message] : []));
      for (const tenantId of new Set(stored.map((message) => message.tenantId))) {
        bell.ring(tenantId, generation, options.requestId);
      }
      for (const { role } of stored) metrics.messagesIngested.inc({ role, mode: options.mode });
      const { wait } = options;
      const outcomes = wait ? await waitForAll(waiter, result.outcomes, generation, wait) : result.outcomes;
      return { outcomes, replayed: false };
    },

    /** @throws AppError `not_found`, for another tenant's id too. */
    async getById(tenantId: string, id: string, signal?: AbortSignal): Promise<MessageWithStatus> {
      const message = await messages.findById(tenantId, id, activeGeneration(), signal);
      if (message === undefined) throw messageNotFound();
      return message;
    },

    /** @throws AppError `invalid_request` for a cursor that is not ours or is of the other order. */
    async list(request: ListRequest): Promise<MessagePage> {
      const after = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
      if (request.cursor !== undefined && after?.order !== request.order) throw badCursor();
      const limit = request.limit + 1;
      const listed = await messages.list({ ...request, after, limit, generation: activeGeneration() });
      const items = listed.messages.slice(0, request.limit);
      return { items, isLast: !listed.isCut && items.length === listed.messages.length };
    },

    /** @throws AppError `not_found`, or `conflict` when a legal hold keeps the message. */
    async deleteById(tenantId: string, id: string, signal?: AbortSignal): Promise<void> {
      const outcome = await messages.deleteById(tenantId, id, signal);
      if (outcome === 'absent') throw messageNotFound();
      if (outcome === 'held') throw new AppError('conflict', 'A legal hold keeps this message.');
    },
  };
}

/** The same outcomes, with the statuses that their messages have come to. */
async function waitForAll(
  waiter: MessageServiceDeps['waiter'],
  outcomes: readonly Outcome[],
  generation: number,
  options: WaitOptions,
): Promise<Outcome[]> {
  const pending = outcomes.flatMap((outcome) => (isPending(outcome) ? [outcome.message] : []));
  const ofTenants = [...Map.groupBy(pending, (message) => message.tenantId)].map(([tenantId, messages]) =>
    waiter.waitUntilEmbedded(
      tenantId,
      messages.map((message) => message.id),
      generation,
      options,
    ),
  );
  const statuses = new Map((await Promise.all(ofTenants)).flatMap((known) => [...known]));
  return outcomes.map((outcome) => {
    const status = isKept(outcome) ? statuses.get(outcome.message.id) : undefined;
    if (!isKept(outcome) || status === undefined) return outcome;
    return { ...outcome, message: { ...outcome.message, embeddingStatus: status } };
  });
}

function toClaim(rows: readonly MessageRow[], request: IdempotencyRequest | undefined) {
  const tenantId = rows[0]?.tenantId;
  if (request === undefined || tenantId === undefined) return undefined;
  return { tenantId, ...request };
}

function keyOfAnotherRequest(): AppError {
  const detail = 'was sent before with another request';
  return new AppError('invalid_request', `Idempotency-Key ${detail}.`, {
    errors: [{ in: 'header', pointer: '/idempotency-key', detail }],
  });
}

function messageNotFound(): AppError {
  return new AppError('not_found', 'There is no such message.');
}

function badCursor(): AppError {
  const detail = 'is not a cursor of this listing';
  return new AppError('invalid_request', `cursor ${detail}.`, {
    errors: [{ in: 'query', pointer: '/cursor', detail }],
  });
}
