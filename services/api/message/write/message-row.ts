import { hash } from 'node:crypto';
import { importanceOf } from '../importance.ts';
import type { NewMessage, StoredMessage } from '../message.ts';

/** A message about to be stored, with what is stored beside it but never answered. */
export interface MessageRow extends StoredMessage {
  readonly contentHash: Buffer;
  /** Its metadata as JSON text. */
  readonly metadataJson: string;
  /** Of its content and metadata, in UTF-8. */
  readonly bytes: number;
  /** The generation that it is to be embedded for. */
  readonly generation: number;
}

/** @param id UUIDv7: later messages have larger ids. */
export function toMessageRow(message: NewMessage, generation: number, now: Date, id: string): MessageRow {
  const metadataJson = JSON.stringify(message.metadata);
  return {
    id,
    tenantId: message.tenantId,
    conversationId: message.conversationId,
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    importance: importanceOf(message.role, message.importanceOverride),
    externalId: message.externalId,
    createdAt: message.createdAt ?? now,
    updatedAt: now,
    expiresAt: message.expiresAt,
    contentHash: hash('sha256', message.content, 'buffer'),
    metadataJson,
    bytes: Buffer.byteLength(message.content) + Buffer.byteLength(metadataJson),
    generation,
  };
}
