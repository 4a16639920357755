import type { Role } from '@memory-layer/shared/db/schema';
import { AppError } from '@memory-layer/shared/errors/app-error';
import type { Instant } from '@memory-layer/shared/time/instant';

/** How far a message is with its vectors. An archived one has none, and none are pending. */
export const embeddingStatuses = ['pending', 'completed', 'failed', 'archived'] as const;
export type EmbeddingStatus = (typeof embeddingStatuses)[number];

/** What is done with a message that is stored already, under its external id, when something else was sent with it now. */
export const onConflictActions = ['error', 'ignore', 'update'] as const;
export type OnConflict = (typeof onConflictActions)[number];

/** A message's place in the order of arrival. */
export interface Arrival {
  /** UUIDv7, larger than those of all that arrived before. */
  readonly id: string;
  readonly at: Instant;
}

/** What is asked to be stored, checked and complete. */
export interface NewMessage {
  readonly tenantId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly importanceOverride: number | undefined;
  /** The client's own name of the message, unique in its tenant: what is sent again is stored once. */
  readonly externalId: string | undefined;
  /** When it was said; now, when the client does not say. */
  readonly createdAt: Instant | undefined;
  /** Null where the client says that it does not expire. */
  readonly expiresAt: Instant | null | undefined;
  /** Of a message that was read from a stream: it keeps its place, whatever is stored beside it. */
  readonly arrival?: Arrival;
}

/** One of several messages of a request, or why it cannot be one. */
export type CheckedMessage = NewMessage | AppError;

/** By the clock of the machine, not by the one that orders messages: what has expired is for the database to say. */
export function hasExpired(expiresAt: Instant | null | undefined): boolean {
  return expiresAt != null && Date.parse(expiresAt) <= Date.now();
}

export function isSound(item: CheckedMessage): item is NewMessage {
  return !(item instanceof AppError);
}

/**
 * Stores those items that are messages and gives each item its result: that of its message, or the error that it is.
 *
 * @param store returns a result a message, in their order.
 */
export async function storeSound<Result>(
  items: readonly CheckedMessage[],
  store: (messages: readonly NewMessage[]) => Promise<readonly Result[]>,
): Promise<(Result | AppError)[]> {
  const results = (await store(items.filter(isSound))).values();
  return items.map((item) => {
    if (!isSound(item)) return item;
    const next = results.next();
    if (next.done === true) throw new Error('a message has no outcome');
    return next.value;
  });
}

/** A message as it is stored. */
export interface StoredMessage {
  readonly id: string;
  readonly tenantId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly importance: number;
  readonly externalId: string | undefined;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly expiresAt: Instant | undefined;
}

export interface MessageWithStatus extends StoredMessage {
  readonly embeddingStatus: EmbeddingStatus;
  /** Of an archived one. */
  readonly archivedAt?: Instant | undefined;
}

/** What became of a message that was sent. */
export type Outcome =
  | { readonly kind: 'stored'; readonly message: MessageWithStatus }
  /** It had been stored before, under its `externalId`. */
  | { readonly kind: 'duplicate'; readonly message: MessageWithStatus }
  /** It had been stored before, and has what was sent now. */
  | { readonly kind: 'updated'; readonly message: MessageWithStatus }
  /** It had been stored before, and is archived. */
  | { readonly kind: 'archived'; readonly message: MessageWithStatus }
  /** The message that has its `externalId` differs in these fields, by their names in a request. */
  | { readonly kind: 'conflict'; readonly existingId: string; readonly differs: readonly string[] }
  /** The database does not take it, though it passed all checks; nothing of it is stored. */
  | { readonly kind: 'refused' };

/** Where there is a message: stored, now or before. */
export type Kept = Extract<Outcome, { readonly message: MessageWithStatus }>;

/** Whether the outcome's message is there and waits for its vectors. */
export function isPending(outcome: Outcome): outcome is Kept {
  return isKept(outcome) && outcome.message.embeddingStatus === 'pending';
}

export function isKept(outcome: Outcome): outcome is Kept {
  return 'message' in outcome;
}
