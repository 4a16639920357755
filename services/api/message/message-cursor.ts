import { instantTextSchema, type Instant } from '@memory-layer/shared/time/instant';
import { z } from 'zod';

/** Where a page ended: the last message's place in the order of (created_at, id). */
export interface MessageCursor {
  readonly createdAt: Instant;
  readonly id: string;
  readonly order: 'asc' | 'desc';
}

// What PostgreSQL cannot hold as a timestamp must not reach it.
const cursorSchema = z.tuple([instantTextSchema, z.uuid(), z.enum(['asc', 'desc'])]);

export function encodeCursor(cursor: MessageCursor): string {
  return Buffer.from(JSON.stringify([cursor.createdAt, cursor.id, cursor.order])).toString('base64url');
}

/** @returns undefined when the text is not a cursor of ours. */
export function decodeCursor(text: string): MessageCursor | undefined {
  try {
    const [createdAt, id, order] = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { createdAt, id, order };
  } catch {
    return undefined;
  }
}
