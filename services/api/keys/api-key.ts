import type { Rate } from '../rate-limit/rate.ts';
import type { Caller } from '../access/caller.ts';
import type { Scope } from '../access/scopes.ts';

/** What a key of the database may do, for whom. */
export interface KeyGrant extends Pick<Caller, 'tenants'> {
  readonly scopes: readonly Scope[];
}

/** A key of the database, without its secret. */
export interface ManagedKey extends KeyGrant {
  readonly keyId: string;
  readonly name: string;
  /** A rate of its own, in place of the usual one of a key. */
  readonly rate: Rate | undefined;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly rotatedAt: Date | undefined;
  /** Until then the secret of before the last rotation is good, too. */
  readonly previousValidUntil: Date | undefined;
  readonly lastUsedAt: Date | undefined;
  readonly status: 'active' | 'expired' | 'revoked';
}

export interface NewManagedKey extends KeyGrant {
  readonly keyId: string;
  readonly secretHash: Buffer;
  readonly name: string;
  readonly rate: Rate | undefined;
  readonly createdBy: string;
  readonly expiresAt: Date | undefined;
}

/** What it takes to let a key in. */
export interface KeyRecord {
  readonly caller: Caller;
  readonly secrets: readonly KeySecret[];
}

export interface KeySecret {
  readonly hash: Buffer;
  /** By the clock of `performance.now()`: no clock of another machine is believed. */
  readonly goodUntilMs: number;
}
