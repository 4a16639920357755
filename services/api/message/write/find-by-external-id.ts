import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import type { EmbeddingStatus } from '../message.ts';
import type { MessageRow } from './message-row.ts';

/** A stored or archived message, but for its content: whoever asks has that. */
export interface ExistingMessage {
  readonly id: string;
  readonly tenantId: string;
  readonly externalId: string;
  readonly conversationId: string;
  readonly role: Role;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly importance: number;
  readonly contentHash: Buffer;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date | undefined;
  readonly embeddingStatus: EmbeddingStatus;
}

type Reference = Pick<MessageRow, 'tenantId' | 'externalId' | 'generation'>;

/** The messages that have one of these external ids, in any order. */
export async function findByExternalId(
  db: Kysely<Schema>,
  references: readonly Reference[],
): Promise<readonly ExistingMessage[]> {
  const result = await sql<Row>`
    with reference as materialized (
      select distinct * from unnest(
        ${references.map((row) => row.tenantId)}::text[],
        ${references.map((row) => row.externalId ?? null)}::text[],
        ${references.map((row) => row.generation)}::int[]
      ) as t (tenant_id, external_id, generation)
    )
    select ${columns}, case
      when exists (select from embedding e
                   where e.tenant_id = m.tenant_id and e.message_id = m.id and e.generation = r.generation)
      then 'completed'
      else coalesce((select p.state from embedding_pending p
                     where p.tenant_id = m.tenant_id and p.message_id = m.id and p.generation = r.generation), 'pending')
    end as embedding_status
    from reference r join message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id
    union all
    select ${columns}, 'archived'
    from reference r join archived_message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id
  `.execute(db);
  return result.rows.map(toExistingMessage);
}

const columns = sql`m.id, m.tenant_id, m.external_id, m.conversation_id, m.role, m.metadata, m.importance,
  m.content_hash, m.created_at, m.updated_at, m.expires_at`;

interface Row {
  readonly id: string;
  readonly tenant_id: string;
  readonly external_id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly metadata: Record<string, unknown>;
  readonly importance: number;
  readonly content_hash: Buffer;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly expires_at: Date | null;
  readonly embedding_status: EmbeddingStatus;
}

function toExistingMessage(row: Row): ExistingMessage {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    externalId: row.external_id,
    conversationId: row.conversation_id,
    role: row.role,
    metadata: row.metadata,
    importance: row.importance,
    contentHash: row.content_hash,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at ?? undefined,
    embeddingStatus: row.embedding_status,
  };
}
