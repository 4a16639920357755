import type { AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { AppError } from '@memory-layer/shared/errors/app-error';
import { instantOf } from '@memory-layer/shared/time/instant';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { WaitOptions } from '../polling/poll-schedule.ts';
import type { EmbeddingWaiter } from './wait/embedding-waiter.ts';
import { invalidRequest } from '../http/validation-hook.ts';
import { replay, type IdempotencyRequest } from './ingest/idempotency.ts';
import { createMessageIds, toMessageRow, type MessageRow } from './ingest/message-row.ts';
import { isOfAnotherRequest } from './ingest/message-write.repository.ts';
import type { MessageWriter, WrittenPart } from './ingest/message-writer.ts';
import { decodeCursor } from './message-cursor.ts';
import type { MessageRepository } from './message.repository.ts';
import {
  isKept,
  isPending,
  isSound,
  storeSound,
  type Arrival,
  type CheckedMessage,
  type MessageWithStatus,
  type NewMessage,
  type OnConflict,
  type Outcome,
} from './message.ts';
import type { TimeSlicer } from '../http/time-slicer.ts';

export interface MessageServiceDeps {
  readonly messages: MessageRepository;
  readonly writer: Pick<MessageWriter, 'write'>;
  /** A message of so many bytes was stored. */
  readonly onStored: (tenantId: string, bytes: number) => void;
  /** Has an embed worker look at a tenant. A notification may be lost: a sweeper finds what is pending. */
  readonly notifyWorkers: (tenantId: string, generation: number, requestId: string) => void;
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
  readonly onConflict: OnConflict;
  readonly signal?: AbortSignal;
  /** Makes the request take effect once; then all its messages are of one tenant. */
  readonly idempotency?: IdempotencyRequest | undefined;
  /** Answers once no message is pending any more, or after this time. */
  readonly wait?: WaitOptions | undefined;
}

export interface Created {
  /** One a message, in the order they were given; an error where only others of a large request were stored. */
  readonly outcomes: readonly (Outcome | AppError)[];
  /** Whether this is the answer of an earlier request with the same idempotency key. */
  readonly replayed: boolean;
}

export interface CreatedBatch extends Pick<Created, 'replayed'> {
  /** One an item, in the order they were given; an item that is an error has itself. */
  readonly outcomes: readonly (Outcome | AppError)[];
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

/** A batch above either is large. */
const largeAbove = { messages: 32, characters: 64 * 1024 };

function isLarge(input: readonly NewMessage[]): boolean {
  const characters = input.reduce((sum, { content }) => sum + content.length, 0);
  return input.length > largeAbove.messages || characters > largeAbove.characters;
}

export type MessageService = ReturnType<typeof createMessageService>;

export function createMessageService(deps: MessageServiceDeps) {
  const { messages, writer, notifyWorkers, waiter, activeGeneration, clock, slicer, metrics } = deps;
  const nextId = createMessageIds();

  /**
   * Stores messages, but for those that were stored before under their external id: all or none of a request of usual
   * size, a larger one in parts. When it returns they are durable; they are searchable by words at once and by meaning
   * after an embed worker has been there.
   *
   * @throws AppError `invalid_request` when the idempotency key was used for another request, `unavailable`,
   * `rate_limited`: as {@link MessageWriter.write}.
   */
  async function create(input: readonly NewMessage[], options: CreateOptions): Promise<Created> {
    if (input.length === 0) return { outcomes: [], replayed: false };
    const now = instantOf(clock.now());
    const generation = activeGeneration();
    const toRow = (message: NewMessage): MessageRow => {
      const { id, at } = message.arrival ?? { id: nextId(), at: now };
      return toMessageRow(message, generation, at, id, options.onConflict);
    };
    // Hashing the contents of a large batch and reading its words takes some tens of milliseconds.
    const rows = isLarge(input) ? await slicer.of(input[0]?.tenantId ?? '').map(input, toRow) : input.map(toRow);
    const claim = toClaim(rows, options.idempotency);
    const parts = await writer.write({ rows, claim }, options.signal);
    const written: (Outcome | AppError)[] = [];
    for (const part of parts) {
      const own = input.slice(written.length, written.length + part.request.rows.length);
      written.push(...outcomesOf(part, own, generation));
      if (!(part.result instanceof AppError) && part.result.kind === 'written') {
        announce(part.result.outcomes, generation, options);
        meter(part.request.rows, part.result.outcomes);
      }
    }
    const replayed = parts.every(({ result }) => !(result instanceof AppError) && result.kind === 'recorded');
    const { wait } = options;
    const outcomes = wait && !replayed ? await waitForAll(waiter, written, generation, wait) : written;
    return { outcomes, replayed };
  }

  function meter(rows: readonly MessageRow[], outcomes: readonly Outcome[]): void {
    for (const [index, { tenantId, bytes }] of rows.entries()) {
      if (outcomes[index]?.kind === 'stored') deps.onStored(tenantId, bytes);
    }
  }

  function announce(outcomes: readonly Outcome[], generation: number, { requestId, mode }: CreateOptions): void {
    const tenantIds = new Set<string>();
    for (const outcome of outcomes) {
      // With another speaker a message is embedded again.
      if (outcome.kind === 'stored' || outcome.kind === 'updated') tenantIds.add(outcome.message.tenantId);
      if (outcome.kind === 'stored') metrics.messagesIngested.inc({ role: outcome.message.role, mode });
    }
    for (const tenantId of tenantIds) notifyWorkers(tenantId, generation, requestId);
  }

  return {
    create,

    /** @returns gives the messages of a stream their places: called in the order of the stream, no time is before the last. */
    openStream(): () => Arrival {
      let lastMs = 0;
      return () => {
        lastMs = Math.max(lastMs, clock.now().getTime());
        return { id: nextId(), at: instantOf(new Date(lastMs)) };
      };
    },

    /**
     * Stores those of the items that are messages, as `create` does.
     *
     * @param admit called with their tenants before anything is stored; what it throws ends the request.
     * @throws AppError as `create`, and `invalid_request` for an idempotency key and messages of several tenants.
     */
    async createBatch(
      items: readonly CheckedMessage[],
      options: CreateOptions,
      admit: (tenantIds: ReadonlySet<string>) => Promise<void>,
    ): Promise<CreatedBatch> {
      const tenantIds = new Set(items.filter(isSound).map(({ tenantId }) => tenantId));
      if (options.idempotency !== undefined && tenantIds.size > 1) throw keyForManyTenants();
      await admit(tenantIds);
      let replayed = false;
      const outcomes = await storeSound(items, async (sound) => {
        const created = await create(sound, options);
        replayed = created.replayed;
        return created.outcomes;
      });
      return { outcomes, replayed };
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
    async deleteById(
      tenantId: string,
      id: string,
      audit: AuditOrigin | undefined,
      signal?: AbortSignal,
    ): Promise<void> {
      const outcome = await messages.deleteById(tenantId, id, audit, signal);
      if (outcome === 'absent') throw messageNotFound();
      if (outcome === 'held') throw new AppError('conflict', 'A legal hold keeps this message.');
    },
  };
}

/** What became of each message of a part. */
function outcomesOf(
  { request, result }: WrittenPart,
  messages: readonly NewMessage[],
  generation: number,
): readonly (Outcome | AppError)[] {
  if (result instanceof AppError) return messages.map(() => result);
  if (result.kind === 'written') return result.outcomes;
  if (isOfAnotherRequest(request, result)) throw keyOfAnotherRequest();
  return replay(messages, generation, result.answer.outcomes);
}

/** The same outcomes, with the statuses that their messages have come to. */
async function waitForAll(
  waiter: MessageServiceDeps['waiter'],
  outcomes: readonly (Outcome | AppError)[],
  generation: number,
  options: WaitOptions,
): Promise<(Outcome | AppError)[]> {
  const pending = outcomes.flatMap((outcome) =>
    !(outcome instanceof AppError) && isPending(outcome) ? [outcome.message] : [],
  );
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
    if (outcome instanceof AppError || !isKept(outcome)) return outcome;
    const status = statuses.get(outcome.message.id);
    if (status === undefined) return outcome;
    return { ...outcome, message: { ...outcome.message, embeddingStatus: status } };
  });
}

function toClaim(rows: readonly MessageRow[], request: IdempotencyRequest | undefined) {
  const tenantId = rows[0]?.tenantId;
  if (request === undefined || tenantId === undefined) return undefined;
  return { tenantId, ...request };
}

function keyForManyTenants(): AppError {
  return invalidRequest([{ in: 'header', pointer: '/idempotency-key', detail: 'is for messages of one tenant' }]);
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
