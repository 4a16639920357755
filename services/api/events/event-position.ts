/**
 * A place in the event log: the next event is the first one at or behind it. Events are in the order of
 * (transactionId, eventId, index); `index` counts the messages of one row of the log.
 */
export interface EventPosition {
  readonly transactionId: bigint;
  readonly eventId: bigint;
  readonly index: number;
}

const pattern = /^(?<transactionId>\d{1,20})-(?<eventId>\d{1,19})-(?<index>\d{1,9})$/;
const maxTransactionId = 2n ** 64n - 1n;
const maxEventId = 2n ** 63n - 1n;

/** Before every event of this transaction and of later ones. */
export function startOf(transactionId: bigint): EventPosition {
  return { transactionId, eventId: 0n, index: 0 };
}

/** The id that a client sends back as `Last-Event-ID`. */
export function encodePosition({ transactionId, eventId, index }: EventPosition): string {
  return `${transactionId}-${eventId}-${index}`;
}

/** @returns undefined when the text is not an id of ours. */
export function decodePosition(text: string): EventPosition | undefined {
  const { transactionId = '', eventId = '', index = '' } = pattern.exec(text)?.groups ?? {};
  if (transactionId === '') return undefined;
  const position = { transactionId: BigInt(transactionId), eventId: BigInt(eventId), index: Number(index) };
  return position.transactionId <= maxTransactionId && position.eventId <= maxEventId ? position : undefined;
}

/** Whether one row's place is before another's; what of a row was read already does not count. */
export function isBefore(one: Omit<EventPosition, 'index'>, other: Omit<EventPosition, 'index'>): boolean {
  if (one.transactionId !== other.transactionId) return one.transactionId < other.transactionId;
  return one.eventId < other.eventId;
}
