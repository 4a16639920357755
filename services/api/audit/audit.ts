import type { AuditActor } from '@memory-layer/shared/audit/audit-event';
import type { AuditAction, AuditObjectType, AuditOutcome } from '@memory-layer/shared/db/schema';

/** An entry of the audit log, as it was written. */
export interface AuditRecord {
  /** Larger for what is later. */
  readonly id: string;
  readonly at: Date;
  /** Undefined for what is of no tenant, or of all. */
  readonly tenantId: string | undefined;
  readonly actor: Partial<AuditActor>;
  readonly action: AuditAction;
  readonly objectType: AuditObjectType;
  readonly objectId: string | undefined;
  readonly outcome: AuditOutcome;
  readonly requestId: string | undefined;
  readonly address: string | undefined;
  readonly changes: Readonly<Record<string, unknown>>;
}

/** Which entries: those that meet all that is given. */
export interface AuditFilter {
  /** Undefined: of all tenants, and of none. */
  readonly tenantId: string | undefined;
  readonly actorId: string | undefined;
  readonly action: AuditAction | undefined;
  readonly objectType: AuditObjectType | undefined;
  readonly objectId: string | undefined;
  readonly outcome: AuditOutcome | undefined;
  /** In milliseconds since the epoch; inclusive. */
  readonly sinceMs: number | undefined;
  /** Exclusive. */
  readonly untilMs: number | undefined;
}

export interface AuditRequest extends AuditFilter {
  readonly order: 'asc' | 'desc';
  /** Behind this id. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

export interface AuditPage {
  /** May be fewer than asked for, or none, although more follow: a page looks at a bounded number of entries. */
  readonly items: readonly AuditRecord[];
  /** Where to go on; undefined at the end. */
  readonly next: string | undefined;
}
