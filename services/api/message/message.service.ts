import { createHash } from 'node:crypto';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Clock } from '@memory-layer/shared/lifecycle/clock';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { EmbeddingBell } from '@memory-layer/shared/queue/embedding-bell';
import { v7 as uuidv7 } from 'uuid';

import { importanceOf } from './importance.ts';
import { decodeCursor, encodeCursor } from './message-cursor.ts';
import type { MessageRepository, MessageRow } from './message.repository.ts';
import type { MessageWithStatus, NewMessage } from './message.ts';

export interface MessageServiceDeps {
  readonly messages: MessageRepository;
  readonly bell: EmbeddingBell;
  /** The generation that new messages are embedded for. */
  readonly activeGeneration: () => number;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export interface ListRequest {
  readonly tenantId: string;
  readonly conversationId: string | undefined;
  readonly order: 'asc' | 'desc';
  readonly cursor: string | undefined;
  readonly limit: number;
}

export interface MessagePage {
  readonly items: readonly MessageWithStatus[];
  readonly nextCursor: string | undefined;
}

export type MessageService = ReturnType<typeof createMessageService>;

export function createMessageService(deps: MessageServiceDeps) {
  const { messages, bell, activeGeneration, clock, metrics } = deps;

  return {
    /**
     * Stores messages, all or none. When it returns they are durable; they are searchable by words at once
     * and by meaning after an embed worker has been there.
     */
    async create(
      input: readonly NewMessage[],
      options: { readonly mode: 'single' | 'batch'; readonly requestId: string },
    ): Promise<MessageWithStatus[]> {
      const now = clock.now();
      const generation = activeGeneration();
      const rows = input.map((message) => toRow(message, now));
      await messages.insertWithPending(rows, generation);
      for (const tenantId of new Set(rows.map((row) => row.tenantId))) {
        bell.ring(tenantId, generation, options.requestId);
      }
      for (const row of rows) metrics.messagesIngested.inc({ role: row.role, mode: options.mode });
      return rows.map(({ contentHash: _, ...row }) => ({ ...row, embeddingStatus: 'pending' }));
    },

    /** @throws AppError `not_found`, for another tenant's id too. */
    async getById(tenantId: string, id: string): Promise<MessageWithStatus> {
      const message = await messages.findById(tenantId, id, activeGeneration());
      if (message === undefined) throw messageNotFound();
      return message;
    },

    /** @throws AppError `invalid_request` for a cursor that is not ours or is of the other order. */
    async list(request: ListRequest): Promise<MessagePage> {
      const after = request.cursor === undefined ? undefined : decodeCursor(request.cursor);
      if (request.cursor !== undefined && after?.order !== request.order) throw badCursor();
      const rows = await messages.list({ ...request, after, limit: request.limit + 1, generation: activeGeneration() });
      const items = rows.slice(0, request.limit);
      const last = items.at(-1);
      const more = rows.length > request.limit && last !== undefined;
      return { items, nextCursor: more ? encodeCursor({ ...last, order: request.order }) : undefined };
    },

    /** @throws AppError `not_found`, or `conflict` when a legal hold keeps the message. */
    async deleteById(tenantId: string, id: string): Promise<void> {
      const outcome = await messages.deleteById(tenantId, id);
      if (outcome === 'absent') throw messageNotFound();
      if (outcome === 'held') throw new AppError('conflict', 'A legal hold keeps this message.');
    },
  };
}

function toRow(message: NewMessage, now: Date): MessageRow {
  return {
    id: uuidv7(),
    tenantId: message.tenantId,
    conversationId: message.conversationId,
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    importance: importanceOf(message.role, message.importanceOverride),
    createdAt: message.createdAt ?? now,
    updatedAt: now,
    expiresAt: message.expiresAt,
    contentHash: createHash('sha256').update(message.content).digest(),
  };
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
