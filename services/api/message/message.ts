import type { Role } from '@memory-layer/shared/db/schema';

export type EmbeddingStatus = 'pending' | 'completed' | 'failed';

/** What is asked to be stored, checked and complete. */
export interface NewMessage {
  readonly tenantId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly importanceOverride: number | undefined;
  /** When it was said; now, when the client does not say. */
  readonly createdAt: Date | undefined;
  readonly expiresAt: Date | undefined;
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
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date | undefined;
}

export interface MessageWithStatus extends StoredMessage {
  readonly embeddingStatus: EmbeddingStatus;
}
