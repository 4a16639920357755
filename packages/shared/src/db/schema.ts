import type { ColumnType, Generated } from 'kysely';
import type { MessageEventType } from '../message/message-event.ts';

/** JSON as it comes from a jsonb column, and as text when written. */
type Json = ColumnType<Record<string, unknown>, string, string>;
/** A timestamp the database fills in when it is not given. */
type DefaultNow = ColumnType<Date, Date | undefined, Date>;
/** Computed by the database, never written. */
type Computed<T> = ColumnType<T, never, never>;

export type Role = 'user' | 'assistant' | 'system' | 'tool';
export const roles = ['user', 'assistant', 'system', 'tool'] as const satisfies readonly Role[];

export interface TenantTable {
  tenant_id: string;
  created_at: DefaultNow;
  suspended_at: Date | null;
  /** A bigint, in decimal. */
  max_messages: string | null;
  max_bytes: string | null;
  max_keys: number | null;
  max_streams: number | null;
  rate_requests: number | null;
  rate_window_seconds: number | null;
}

export interface TenantUsageTable {
  tenant_id: string;
  /** Empty for what was counted; otherwise a process. */
  writer: string;
  /** A bigint, in decimal. */
  messages: string;
  bytes: string;
  updated_at: DefaultNow;
}

export interface EmbeddingGenerationTable {
  generation: Generated<number>;
  model_id: string;
  dimension: number;
  state: 'building' | 'active' | 'retired';
  query_centre: number[] | null;
  created_at: DefaultNow;
}

export interface MessageTable {
  tenant_id: string;
  id: string;
  conversation_id: string;
  role: Role;
  content: string;
  metadata: Json;
  importance: number;
  external_id: string | null;
  content_hash: Buffer;
  created_at: Date;
  updated_at: Date;
  expires_at: Date | null;
  /** What its words are indexed by: a row of `search_language`. */
  search_language: string;
  search_vector: string;
  /** The words again, in parts, of a text that is too long for one tsvector to have the places of all. */
  search_passages: string[] | null;
}

export interface SearchLanguageTable {
  language: string;
  /** The text search configuration. */
  configuration: Computed<string>;
  state: 'current' | 'old';
  changed_at: DefaultNow;
}

export interface EmbeddingTable {
  tenant_id: string;
  message_id: string;
  generation: number;
  passage_no: number;
  vector: string;
  conversation_id: string;
  role: Role;
  importance: number;
  created_at: Date;
  expires_at: Date | null;
}

export interface EmbeddingPendingTable {
  tenant_id: string;
  message_id: string;
  generation: number;
  content_hash: Buffer;
  state: ColumnType<'pending' | 'failed', 'pending' | 'failed' | undefined>;
  attempts: Generated<number>;
  due_at: DefaultNow;
  leased_until: Date | null;
  last_error: string | null;
  created_at: DefaultNow;
  failed_at: Date | null;
}

export interface ConversationTable {
  tenant_id: string;
  conversation_id: string;
  title: string | null;
  metadata: Json;
  archived: Generated<boolean>;
  legal_hold: Generated<boolean>;
  created_at: DefaultNow;
  updated_at: DefaultNow;
}

export type ArchiveReason = 'age' | 'expired' | 'max_items';

export interface ArchivedMessageTable extends Omit<
  MessageTable,
  'search_language' | 'search_vector' | 'search_passages'
> {
  archived_at: DefaultNow;
  archive_reason: ArchiveReason;
}

export interface RetentionPolicyTable {
  tenant_id: string;
  max_age_days: number | null;
  importance_threshold: number | null;
  delete_after_days: number | null;
  max_items: number | null;
  match_mode: 'all' | 'any' | null;
  age_of: 'stored' | 'created' | null;
  legal_hold: Generated<boolean>;
  created_at: DefaultNow;
  updated_at: DefaultNow;
}

export interface RetentionRuleTable {
  tenant_id: string;
  rule_id: string;
  name: string;
  description: string | null;
  rule_type: string;
  conditions: Json;
  action: string;
  priority: Generated<number>;
  enabled: Generated<boolean>;
  last_applied_at: Date | null;
  created_at: DefaultNow;
  updated_at: DefaultNow;
}

export type RetentionAction = 'archive' | 'delete';
export type RetentionRunState = 'queued' | 'running' | 'completed' | 'failed';

export interface RetentionRunTable {
  tenant_id: string;
  run_id: string;
  state: ColumnType<RetentionRunState, RetentionRunState | undefined>;
  actions: RetentionAction[];
  dry_run: boolean;
  archived: Generated<number>;
  deleted: Generated<number>;
  error: string | null;
  requested_at: DefaultNow;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface IdempotencyKeyTable {
  tenant_id: string;
  idempotency_key: string;
  request_hash: Buffer;
  answer: Json;
  created_at: DefaultNow;
  expires_at: Date;
}

export interface ApiKeyTable {
  key_id: string;
  secret_hash: Buffer;
  previous_secret_hash: Buffer | null;
  previous_valid_until: Date | null;
  name: string;
  /** Null: all tenants. */
  tenant_ids: string[] | null;
  scopes: string[];
  rate_requests: number | null;
  rate_window_seconds: number | null;
  created_by: string;
  expires_at: Date | null;
  revoked_at: Date | null;
  rotated_at: Date | null;
  last_used_at: Date | null;
  created_at: DefaultNow;
}

export interface AccessChangeTable {
  one_row: Generated<boolean>;
  /** A bigint, in decimal. */
  version: string;
}

export interface MessageEventTable {
  tenant_id: string;
  /** An xid8, in decimal: more than a number holds. */
  transaction_id: Generated<string>;
  /** A bigint, in decimal. */
  event_id: Generated<string>;
  event_type: MessageEventType;
  message_ids: string[];
  created_at: DefaultNow;
}

export interface MessageEventPrunedTable {
  one_row: Generated<boolean>;
  transaction_id: string;
  event_id: string;
}

export interface VectorIndexTable {
  tenant_id: string;
  generation: number;
  index_name: string;
  after_id: string;
  through_id: string;
  state: 'building' | 'ready' | 'dropping';
  vectors: number;
  counted_at: DefaultNow;
}

/** What is written to the audit log. The verb is what was asked for; whether it happened is the outcome. */
export const auditActions = [
  'message.delete',
  'embedding.retry',
  'retention.run',
  'retention.complete',
  'audit.prune',
  'key.create',
  'key.rotate',
  'key.revoke',
  'tenant.create',
  'tenant.update',
  'tenant.suspend',
  'tenant.resume',
  'tenant.delete',
  'request.authenticate',
  'request.authorize',
  'message.get',
  'message.list',
  'message.search',
  'event.stream',
  'embedding.list',
  'retention.get',
  'key.get',
  'key.list',
  'audit.list',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const auditObjectTypes = [
  'message',
  'conversation',
  'retention_run',
  'api_key',
  'tenant',
  'audit_event',
  'route',
] as const;
export type AuditObjectType = (typeof auditObjectTypes)[number];

/** `refused`: the caller may not, or a legal hold keeps it. `failed`: there was no such thing, or it went wrong. */
export const auditOutcomes = ['success', 'refused', 'failed'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

export interface AuditEventTable {
  id: string;
  at: Date;
  tenant_id: string | null;
  actor_id: string | null;
  actor_name: string | null;
  action: AuditAction;
  object_type: AuditObjectType;
  object_id: string | null;
  request_id: string | null;
  address: string | null;
  outcome: AuditOutcome;
  changes: Json;
}

/** The tables of migrations/, one name each. A test compares them with the migrated database. */
export interface Schema {
  tenant: TenantTable;
  tenant_usage: TenantUsageTable;
  embedding_generation: EmbeddingGenerationTable;
  message: MessageTable;
  search_language: SearchLanguageTable;
  embedding: EmbeddingTable;
  embedding_pending: EmbeddingPendingTable;
  conversation: ConversationTable;
  archived_message: ArchivedMessageTable;
  retention_policy: RetentionPolicyTable;
  retention_rule: RetentionRuleTable;
  retention_run: RetentionRunTable;
  idempotency_key: IdempotencyKeyTable;
  api_key: ApiKeyTable;
  access_change: AccessChangeTable;
  message_event: MessageEventTable;
  message_event_pruned: MessageEventPrunedTable;
  vector_index: VectorIndexTable;
  audit_event: AuditEventTable;
}
