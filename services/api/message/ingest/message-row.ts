import { hash, randomFillSync } from 'node:crypto';
import type { Role } from '@memory-layer/shared/db/schema';
import type { Instant } from '@memory-layer/shared/time/instant';
import { v7 } from 'uuid';
import { indexMessage, type MessageIndex } from '../../words/message-index.ts';
import type { Kept, NewMessage, OnConflict, StoredMessage } from '../message.ts';

/** A message about to be stored, with what is stored beside it but never answered. */
export interface MessageRow extends StoredMessage {
  readonly contentHash: Buffer;
  /** Its metadata as JSON text. */
  readonly metadataJson: string;
  readonly index: MessageIndex;
  /** Of its content and metadata, in UTF-8. */
  readonly bytes: number;
  /** The generation that it is to be embedded for. */
  readonly generation: number;
  /** What was sent, and what is done where a stored message differs from it. */
  readonly sent: NewMessage;
  readonly onConflict: OnConflict;
}

/** @param id UUIDv7: later messages have larger ids. */
export function toMessageRow(
  message: NewMessage,
  generation: number,
  now: Instant,
  id: string,
  onConflict: OnConflict = 'error',
): MessageRow {
  const metadata = message.metadata ?? {};
  const metadataJson = JSON.stringify(metadata);
  return {
    id,
    tenantId: message.tenantId,
    conversationId: message.conversationId,
    role: message.role,
    content: message.content,
    metadata,
    importance: importanceOf(message.role, message.importanceOverride),
    externalId: message.externalId,
    createdAt: message.createdAt ?? now,
    updatedAt: now,
    expiresAt: message.expiresAt ?? undefined,
    contentHash: hash('sha256', message.content, 'buffer'),
    metadataJson,
    index: indexMessage({ ...message, metadata }),
    bytes: Buffer.byteLength(message.content) + Buffer.byteLength(metadataJson),
    generation,
    sent: message,
    onConflict,
  };
}

/** What became of a row that was stored just now. */
export function storedOutcome(row: MessageRow): Kept {
  return {
    kind: 'stored',
    message: {
      id: row.id,
      tenantId: row.tenantId,
      conversationId: row.conversationId,
      role: row.role,
      content: row.content,
      metadata: row.metadata,
      importance: row.importance,
      externalId: row.externalId,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
      expiresAt: row.expiresAt,
      embeddingStatus: 'pending',
    },
  };
}

// Beside its text a row costs the database as much as some kilobyte of it: measured as 500 bytes of text whose words all
// differ, and 1200 of a text that repeats its words.
const rowOverheadBytes = 1024;
// The words of a longer text are stored apart from its row, which takes as long again.
const usualRowBytes = 2048;

/** What a row costs the database, in bytes. */
export function costOfRow({ bytes }: Pick<MessageRow, 'bytes'>): number {
  return rowOverheadBytes + bytes + Math.max(0, bytes - usualRowBytes);
}

// Weights and role values of the service this one replaces, without its recency part: recency is decay's,
// at search time, so that a stored importance never depends on when it is looked at.
const roleWeight = 0.2;
const explicitWeight = 0.4;
const roleValue: Readonly<Record<Role, number>> = { system: 0.9, user: 0.7, assistant: 0.5, tool: 0.3 };

/**
 * The importance stored with a message, 0 to 1: what the client gave, else what its role alone is worth
 * (system .3, user .233, assistant .167, tool .1).
 */
export function importanceOf(role: Role, override: number | undefined): number {
  if (override !== undefined) return override;
  return (roleWeight * roleValue[role]) / (roleWeight + explicitWeight);
}

const bytesPerId = 16;
const idsPerFill = 256;

/**
 * Makes ids of messages: UUIDv7 (RFC 9562, section 5.7), each larger than the one before, as `uuid` makes them by
 * itself; but random bytes are asked for by the thousand, which costs a tenth of asking for each id.
 */
export function createMessageIds(now: () => number = Date.now): () => string {
  const pool = new Uint8Array(bytesPerId * idsPerFill);
  let used = pool.length;
  let msecs = -1;
  let seq = 0;

  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const random = pool.subarray(used, used + bytesPerId);
    used += bytesPerId;
    const time = now();
    if (time > msecs) {
      msecs = time;
      // 31 bits, the highest left free: a counter that can be counted on (section 6.2, method 1).
      seq = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 1;
    } else seq += 1;
    return v7({ random, msecs, seq });
  };
}
