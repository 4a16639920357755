import { z } from 'zod';

/** Where a page ended: the last message's place in the order of (created_at, id). */
export interface MessageCursor {
  readonly createdAt: Date;
  readonly id: string;
  readonly order: 'asc' | 'desc';
}

// No message is older or younger; what PostgreSQL cannot hold as a timestamp must not reach it.
const timeSchema = z
  .int()
  .min(0)
  .max(Date.UTC(10_000, 0, 1) - 1);
const cursorSchema = z.tuple([timeSchema, z.uuid(), z.enum(['asc', 'desc'])]);

export function encodeCursor(cursor: MessageCursor): string {
  return Buffer.from(JSON.stringify([cursor.createdAt.getTime(), cursor.id, cursor.order])).toString('base64url');
}

/** @returns undefined when the text is not a cursor of ours. */
export function decodeCursor(text: string): MessageCursor | undefined {
  try {
    const [time, id, order] = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    return { createdAt: new Date(time), id, order };
  } catch {
    return undefined;
  }
}
