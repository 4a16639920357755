import type { Rate } from '../rate-limit/rate.ts';

/** Limits of a tenant; undefined is none. */
export interface TenantQuotas {
  readonly maxMessages: number | undefined;
  /** Of text and metadata. */
  readonly maxBytes: number | undefined;
  /** Keys that are neither revoked nor expired. */
  readonly maxKeys: number | undefined;
  /** Streams of events, of one process. */
  readonly maxStreams: number | undefined;
  /** In place of the usual rate of a tenant. */
  readonly rate: Rate | undefined;
}

export interface Tenant extends TenantQuotas {
  readonly tenantId: string;
  readonly createdAt: Date;
  /** Undefined: it is not suspended. */
  readonly suspendedAt: Date | undefined;
}

/** What a tenant has. */
export interface TenantUsage {
  readonly messages: number;
  readonly bytes: number;
}

/** What a tenant has, for who asks. */
export interface TenantCount extends TenantUsage {
  /** Whether there is more: it was counted up to a bound. */
  readonly isAtLeast: boolean;
  readonly keys: number;
}

export const noQuotas: TenantQuotas = {
  maxMessages: undefined,
  maxBytes: undefined,
  maxKeys: undefined,
  maxStreams: undefined,
  rate: undefined,
};

/** Whether it has to be counted what the tenant has. */
export function isMetered({ maxMessages, maxBytes }: TenantQuotas): boolean {
  return maxMessages !== undefined || maxBytes !== undefined;
}

/** What a request does to a tenant: it stores messages, changes something else, or only reads. */
export type TenantUse = 'store' | 'change' | 'read';

/** Whether a tenant may do what it asks for. */
export interface TenantDirectory {
  /**
   * @returns the tenant; undefined when nothing limits it, and when there is none so far.
   * @throws AppError `tenant_suspended`, `tenant_not_registered`, `quota_exceeded`, and what the database answers.
   */
  admit(tenantId: string, use: TenantUse): Promise<Tenant | undefined>;
}
