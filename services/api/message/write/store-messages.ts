import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import type { Outcome } from '../message.ts';
import { findByExternalId, type ExistingMessage } from './find-by-external-id.ts';
import { insertMessages } from './insert-messages.ts';
import type { MessageRow } from './message-row.ts';

// A message can be deleted between finding that it is in the way and looking at it; then its place is free.
const rounds = 3;

/**
 * Stores messages with their pending rows; what was stored before under its external id is found again.
 *
 * @returns an outcome a row, in their order.
 */
export async function storeMessages(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<Outcome[]> {
  const outcomes = new Map<MessageRow, Outcome>();
  let left = rows;
  for (let round = 0; left.length > 0; round++) {
    if (round === rounds) throw new Error('messages with the same external ids come and go faster than they are found');
    const stored = await insertMessages(db, left);
    for (const row of left) if (stored.has(row.id)) outcomes.set(row, storedOutcome(row));
    left = left.filter((row) => !stored.has(row.id));
    if (left.length === 0) break;
    const existing = new Map((await findByExternalId(db, left)).map((message) => [keyOf(message), message]));
    for (const row of left) {
      const message = existing.get(keyOf(row));
      if (message !== undefined) outcomes.set(row, outcomeBeside(message, row));
    }
    left = left.filter((row) => !outcomes.has(row));
  }
  return rows.map((row) => outcomes.get(row) ?? storedOutcome(row));
}

const keyOf = (message: Pick<MessageRow, 'tenantId' | 'externalId'>) => `${message.tenantId}/${message.externalId}`;

export function storedOutcome({ contentHash: _, generation: __, ...message }: MessageRow): Outcome {
  return { kind: 'stored', message: { ...message, embeddingStatus: 'pending' } };
}

/** The same words of the same speaker in the same conversation are the same message; all else may have changed since. */
function outcomeBeside({ contentHash, ...existing }: ExistingMessage, row: MessageRow): Outcome {
  const same =
    contentHash.equals(row.contentHash) && existing.conversationId === row.conversationId && existing.role === row.role;
  if (!same) return { kind: 'conflict', existingId: existing.id };
  return { kind: 'duplicate', message: { ...existing, content: row.content } };
}
