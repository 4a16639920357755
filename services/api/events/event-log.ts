import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import type { EventPosition } from './event-position.ts';

/** Something that happened to messages of one tenant, as the log has it. */
export interface LogRow {
  readonly tenantId: string;
  readonly transactionId: bigint;
  readonly eventId: bigint;
  readonly type: MessageEventType;
  readonly messageIds: readonly string[];
  /** The first of them that was not read before. */
  readonly firstIndex: number;
  readonly at: Date;
  /** How old it was when it was read, by the clock of the database. */
  readonly ageSeconds: number;
}

export interface LogPage {
  /** In the order of reading. */
  readonly rows: readonly LogRow[];
  /** Where to read on. */
  readonly next: EventPosition;
  /** Nothing more can be read for now. */
  readonly isEnd: boolean;
  /** The place that was asked for is not in this log, any more or at all: rows may be missing before `next`. */
  readonly isBroken: boolean;
}

export interface LogQuery {
  readonly tenantIds: readonly string[];
  /** Undefined: nothing that has happened yet. */
  readonly from: EventPosition | undefined;
  /** Rows at most. */
  readonly limit: number;
  /** Ends the statement, when one client alone waits for it. */
  readonly signal?: AbortSignal;
}

/** For one client: what it has not taken yet waits in memory. */
export const rowsPerRead = 20;

/** How the log is read: {@link createEventRepository}, or a fake. */
export interface EventLog {
  read(query: LogQuery): Promise<LogPage>;
}

/** One thing that happened to one message. */
export interface MessageEvent {
  readonly type: MessageEventType;
  readonly messageId: string;
  readonly tenantId: string;
  readonly at: Date;
  /** Where the stream goes on behind it. */
  readonly next: EventPosition;
}

/** The events of a row, from the message at `index` on, at most `limit`. */
export function eventsOf(row: LogRow, index: number, limit: number): MessageEvent[] {
  const { type, tenantId, at, messageIds } = row;
  return messageIds.slice(index, index + limit).map((messageId, offset) => {
    return { type, messageId, tenantId, at, next: positionAfter(row, index + offset) };
  });
}

/** Behind the last message of a row is the next row: once the row is pruned, nothing is missing there. */
function positionAfter({ transactionId, eventId, messageIds }: LogRow, index: number): EventPosition {
  if (index + 1 < messageIds.length) return { transactionId, eventId, index: index + 1 };
  return { transactionId, eventId: eventId + 1n, index: 0 };
}
