import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '@memory-layer/shared/time/instant';
import type { MessageWithStatus, Outcome } from '../message.ts';
import type { MessageIndex } from '../../words/message-index.ts';
import type { MessageRow } from './message-row.ts';

/** A stored or archived message without its content, which the caller has. */
export interface ExistingMessage extends Omit<MessageWithStatus, 'content' | 'externalId'> {
  readonly externalId: string;
  readonly contentHash: Buffer;
}

/** The change of a stored message by messages that were sent again. An undefined field is not changed. */
export interface MessageChange {
  readonly id: string;
  readonly tenantId: string;
  readonly generation: number;
  readonly contentHash: Buffer;
  readonly updatedAt: Instant;
  readonly importance: number | undefined;
  readonly metadataJson: string | undefined;
  /** Its words, with those of the speaker. */
  readonly index: MessageIndex;
  readonly createdAt: Instant | undefined;
  readonly expiresAt: Instant | null | undefined;
}

/** The fields of a changed message that may have changed. */
export type ChangedMessage = Pick<
  MessageWithStatus,
  'importance' | 'metadata' | 'createdAt' | 'updatedAt' | 'expiresAt'
>;

export interface Repeats {
  readonly outcomes: ReadonlyMap<MessageRow, Outcome>;
  /** By the id of the message, in the order of the rows. */
  readonly changes: ReadonlyMap<string, MessageChange>;
}

/**
 * Compares rows, in their order, with the stored messages of their external ids. Of several rows with one external id,
 * each is compared with the message as the rows before it change it.
 */
export function compareRepeats(
  existing: ReadonlyMap<string, ExistingMessage>,
  rows: readonly MessageRow[],
  keyOf: (row: MessageRow) => string,
): Repeats {
  const current = new Map(existing);
  const outcomes = new Map<MessageRow, Outcome>();
  const changes = new Map<string, MessageChange>();
  for (const row of rows) {
    const message = current.get(keyOf(row));
    if (message === undefined) continue;
    const { contentHash: _, ...kept } = message;
    const answered = { ...kept, content: row.content };
    const identity = differencesOfIdentity(message, row);
    const differs = [...identity, ...differencesOfRest(message, row)];
    const isArchived = message.archivedAt !== undefined;
    // An archived message is not changed.
    const mayDiffer = row.onConflict === 'ignore' || (row.onConflict === 'update' && !isArchived);
    if (identity.length > 0 || (differs.length > 0 && !mayDiffer)) {
      outcomes.set(row, { kind: 'conflict', existingId: message.id, differs });
    } else if (isArchived) {
      outcomes.set(row, { kind: 'archived', message: answered });
    } else if (differs.length > 0 && row.onConflict === 'update') {
      changes.set(message.id, changeOf(row, message, changes.get(message.id)));
      current.set(keyOf(row), { ...message, ...changedBy(row, message) });
      outcomes.set(row, { kind: 'updated', message: answered });
    } else {
      outcomes.set(row, { kind: 'duplicate', message: answered });
    }
  }
  return { outcomes, changes };
}

/**
 * @param changed the changed messages, by id.
 * @returns undefined when the message was deleted meanwhile. The caller then looks for it again.
 */
export function withChanges(
  outcome: Outcome,
  changes: ReadonlyMap<string, MessageChange>,
  changed: ReadonlyMap<string, ChangedMessage>,
): Outcome | undefined {
  const id = idOf(outcome);
  if (id === undefined || !changes.has(id)) return outcome;
  const now = changed.get(id);
  if (now === undefined) return undefined;
  return 'message' in outcome ? { ...outcome, message: { ...outcome.message, ...now } } : outcome;
}

function idOf(outcome: Outcome): string | undefined {
  if (outcome.kind === 'conflict') return outcome.existingId;
  return 'message' in outcome ? outcome.message.id : undefined;
}

/** Differences that make it another message. */
function differencesOfIdentity(message: ExistingMessage, row: MessageRow): string[] {
  return [
    ...(message.conversationId === row.conversationId ? [] : ['conversation_id']),
    ...(message.role === row.role ? [] : ['role']),
    ...(message.contentHash.equals(row.contentHash) ? [] : ['content']),
  ];
}

/** Other differences. A field that was not sent does not differ. */
function differencesOfRest(message: ExistingMessage, row: MessageRow): string[] {
  const { sent } = row;
  const { importanceOverride: importance, metadata, createdAt, expiresAt } = sent;
  // Compared as it would be stored: the sent value may not survive JSON, such as -0.
  const isSame = metadata === undefined || isDeepStrictEqual(JSON.parse(row.metadataJson), message.metadata);
  return [
    ...(importance === undefined || importance === message.importance ? [] : ['importance_override']),
    ...(isSame ? [] : ['metadata']),
    ...(createdAt === undefined || createdAt === message.createdAt ? [] : ['created_at']),
    ...(expiresAt === undefined || (expiresAt ?? undefined) === message.expiresAt ? [] : ['expires_at']),
  ];
}

function changedBy(row: MessageRow, message: ExistingMessage) {
  const { importanceOverride, metadata, createdAt, expiresAt } = row.sent;
  return {
    importance: importanceOverride ?? message.importance,
    metadata: metadata ?? message.metadata,
    createdAt: createdAt ?? message.createdAt,
    expiresAt: expiresAt === undefined ? message.expiresAt : (expiresAt ?? undefined),
  };
}

function changeOf(row: MessageRow, { id }: ExistingMessage, before: MessageChange | undefined): MessageChange {
  const { importanceOverride, metadata, createdAt, expiresAt } = row.sent;
  return {
    id,
    tenantId: row.tenantId,
    generation: row.generation,
    contentHash: row.contentHash,
    updatedAt: row.updatedAt,
    importance: importanceOverride ?? before?.importance,
    metadataJson: metadata === undefined ? before?.metadataJson : row.metadataJson,
    index: metadata === undefined && before !== undefined ? before.index : row.index,
    createdAt: createdAt ?? before?.createdAt,
    expiresAt: expiresAt === undefined ? before?.expiresAt : expiresAt,
  };
}
