import { z } from 'zod';

/** Where a page ended: the last message's place in the order of (created_at, id). */
export interface MessageCursor {
  readonly createdAt: Date;
  readonly id: string;
  readonly order: 'asc' | 'desc';
}

const cursorSchema = z.tuple([z.int(), z.uuid(), z.enum(['asc', 'desc'])]);

export function encodeCursor(cursor: MessageCursor): string {
  return Buffer.from(JSON.stringify([cursor.createdAt.getTime(), cursor.id, cursor.order])).toString('base64url');
}

/** @returns undefined when the text is not a cursor of ours. */
export function decodeCursor(text: string): MessageCursor | undefined {
  try {
    const [time, id, order] = cursorSchema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    const createdAt = new Date(time);
    return Number.isNaN(createdAt.getTime()) ? undefined : { createdAt, id, order };
  } catch {
    return undefined;
  }
}
