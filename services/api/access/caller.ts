import type { Rate } from '../rate-limit/rate.ts';
import type { Scope } from './scopes.ts';

/** Whom a request speaks for, as authentication has found out. Holds no secret. */
export interface Caller {
  /** Tells keys apart in logs: the id of a key of the database, the start of the hash of a key of the environment. */
  readonly keyId: string;
  /** As of now: the name of a key may be another one later. */
  readonly keyName: string;
  /** All tenants, or these: at least one. */
  readonly tenants: 'all' | readonly string[];
  readonly scopes: ReadonlySet<Scope>;
  /** A rate of its own, in place of the usual one of a key. */
  readonly rate?: Rate;
  readonly source: 'environment' | 'database' | 'token';
}

/** Whose key this is; a function where that has to be looked up; undefined when it is nobody's. */
export type FoundCaller = Caller | (() => Promise<Caller | undefined>) | undefined;

/** Finds who presents a key. */
export interface CallerDirectory {
  find(presented: string): FoundCaller;
}

/** The only tenant of a caller: what a request is for that names none. Undefined when the caller has several, or all. */
export function soleTenantOf({ tenants }: Pick<Caller, 'tenants'>): string | undefined {
  return tenants === 'all' || tenants.length > 1 ? undefined : tenants[0];
}

export function isOfTenant({ tenants }: Pick<Caller, 'tenants'>, tenantId: string): boolean {
  return tenants === 'all' || tenants.includes(tenantId);
}
