import { appendAuditEvent } from '@memory-layer/shared/audit/append-audit-events.sql';
import type { AuditChanges, AuditOrigin } from '@memory-layer/shared/audit/audit-event';
import { cancelledBy } from '@memory-layer/shared/db/cancel/cancelled-by';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder, type Selectable, type Transaction } from 'kysely';
import { accessChange } from '../access/access-change.sql.ts';
import type { KeyRecord, ManagedKey, NewManagedKey } from './api-key.ts';
import { soleTenantOf, type Caller } from '../access/caller.ts';
import { isScope } from '../access/scopes.ts';

export interface KeyPage extends Pick<Caller, 'tenants'> {
  /** The last key of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** A tenant that may not have another key. */
export interface FullTenant {
  readonly tenantId: string;
  readonly maxKeys: number;
}

export type ApiKeyRepository = ReturnType<typeof createApiKeyRepository>;

export function createApiKeyRepository(db: Kysely<Schema>) {
  return {
    /** @returns the key; or a tenant of it that may not have another one. */
    async insert(key: NewManagedKey, audit: AuditOrigin | undefined): Promise<ManagedKey | FullTenant> {
      return db.transaction().execute(async (transaction) => {
        const full = key.tenants === 'all' ? undefined : await findFull(transaction, key.tenants);
        if (full !== undefined) return full;
        const { name, scopes, expiresAt } = key;
        const changes = { name, scopes, tenant_ids: tenantIds(key), expires_at: expiresAt?.toISOString() ?? null };
        const made = await changeIn(transaction, insertStatement(key), { audit, action: 'key.create', changes });
        if (made === undefined) throw new Error('the statement returned no row');
        return made;
      });
    },

    /** Keys of these tenants alone, the newest first. */
    async list({ tenants, after, limit, signal }: KeyPage): Promise<ManagedKey[]> {
      const { rows } = await sql<KeyRow>`
        select ${columns} from api_key
        where ${isWithin(tenants)} ${
          after === undefined
            ? sql``
            : sql`and (created_at, key_id) < (
          select created_at, key_id from api_key where key_id = ${after} and ${isWithin(tenants)})`
        }
        order by created_at desc, key_id desc limit ${limit}
      `.execute(db, cancelledBy(signal));
      return rows.map(toKey);
    },

    /** Undefined for a key that is of other tenants as well. */
    async findById(tenants: Caller['tenants'], keyId: string, signal?: AbortSignal): Promise<ManagedKey | undefined> {
      const { rows } = await sql<KeyRow>`
        select ${columns} from api_key where key_id = ${keyId} and ${isWithin(tenants)}
      `.execute(db, cancelledBy(signal));
      return rows[0] && toKey(rows[0]);
    },

    /** Gives a key another secret; that of now stays good for a time. @returns undefined when the key is no longer good. */
    async rotate(
      keyId: string,
      { secretHash, overlapSeconds }: NewSecret,
      audit: AuditOrigin | undefined,
    ): Promise<ManagedKey | undefined> {
      const until = sql`now() + ${overlapSeconds} * interval '1 second'`;
      const statement = sql<KeyRow>`
        with ${accessChange}
        update api_key set secret_hash = ${secretHash}, rotated_at = now(),
          previous_secret_hash = ${overlapSeconds > 0 ? sql`secret_hash` : sql`null`},
          previous_valid_until = ${overlapSeconds > 0 ? until : sql`null`}
        where key_id = ${keyId} and ${isActive} returning ${columns}
      `;
      return change(db, statement, { audit, action: 'key.rotate', changes: { overlap_seconds: overlapSeconds } });
    },

    /** Revoking twice is revoking once. */
    async revoke(keyId: string, audit: AuditOrigin | undefined): Promise<ManagedKey | undefined> {
      const statement = sql<KeyRow>`
        with ${accessChange}
        update api_key set revoked_at = coalesce(revoked_at, now()), previous_secret_hash = null,
          previous_valid_until = null
        where key_id = ${keyId} returning ${columns}
      `;
      return change(db, statement, { audit, action: 'key.revoke', changes: {} });
    },

    /** What lets these keys in, as far as they are good. Times are told as distances from now. */
    async loadRecords(keyIds: readonly string[]): Promise<ReadonlyMap<string, KeyRecord>> {
      const askedAt = performance.now();
      const { rows } = await sql<RecordRow>`
        select key_id, name, tenant_ids, scopes, rate_requests, rate_window_seconds, secret_hash, previous_secret_hash,
          ${millisecondsUntil('expires_at')} as ends_in_ms,
          ${millisecondsUntil('previous_valid_until')} as previous_ends_in_ms
        from api_key where key_id = any(${[...keyIds]}::text[]) and ${isActive}
      `.execute(db);
      return new Map(rows.map((row) => [row.key_id, toRecord(row, askedAt)]));
    },

    /** The uses of at most a minute. A key that another process has marked within that minute is left as it is. */
    async markUsed(keyIds: readonly string[]): Promise<void> {
      await sql`
        update api_key set last_used_at = now()
        where key_id in (
          select key_id from api_key
          where key_id = any(${[...keyIds]}::text[])
            and (last_used_at is null or last_used_at < now() - interval '1 minute')
          order by key_id for no key update skip locked
        )
      `.execute(db);
    },
  };
}

function insertStatement(key: NewManagedKey): RawBuilder<KeyRow> {
  return sql<KeyRow>`
    insert into api_key (key_id, secret_hash, name, tenant_ids, scopes, rate_requests, rate_window_seconds,
      created_by, expires_at)
    values (${key.keyId}, ${key.secretHash}, ${key.name}, ${tenantIds(key)}::text[], ${[...key.scopes]}::text[],
      ${key.rate?.requests ?? null}, ${key.rate?.windowSeconds ?? null}, ${key.createdBy}, ${key.expiresAt ?? null})
    returning ${columns}
  `;
}

/** One of these tenants that has as many keys as it may have. They are locked: nobody else gives them a key meanwhile. */
async function findFull(db: Transaction<Schema>, asked: readonly string[]): Promise<FullTenant | undefined> {
  const limited = await sql<{ tenant_id: string; max_keys: number }>`
    select tenant_id, max_keys from tenant where tenant_id = any(${[...asked]}::text[]) and max_keys is not null
    order by tenant_id for no key update
  `.execute(db);
  for (const { tenant_id: tenantId, max_keys: maxKeys } of limited.rows) {
    const { rows } = await sql<{ keys: number }>`
      select count(*)::float8 as keys from api_key where tenant_ids @> ${[tenantId]}::text[] and ${isActive}
    `.execute(db);
    if ((rows[0]?.keys ?? 0) >= maxKeys) return { tenantId, maxKeys };
  }
  return undefined;
}

/** What a rotation gives a key. */
export interface NewSecret {
  readonly secretHash: Buffer;
  readonly overlapSeconds: number;
}

interface KeyChange {
  readonly audit: AuditOrigin | undefined;
  readonly action: 'key.create' | 'key.rotate' | 'key.revoke';
  readonly changes: AuditChanges;
}

/** Changes a key, and writes that to the audit log. @returns undefined when there was nothing to change. */
async function change(
  db: Kysely<Schema>,
  statement: RawBuilder<KeyRow>,
  by: KeyChange,
): Promise<ManagedKey | undefined> {
  return db.transaction().execute((transaction) => changeIn(transaction, statement, by));
}

/** The same in the caller's transaction. */
async function changeIn(
  transaction: Transaction<Schema>,
  statement: RawBuilder<KeyRow>,
  { audit, action, changes }: KeyChange,
): Promise<ManagedKey | undefined> {
  const [row] = (await statement.execute(transaction)).rows;
  if (row === undefined) return undefined;
  const key = toKey(row);
  const entry = { tenantId: soleTenantOf(key), action, objectType: 'api_key', objectId: key.keyId } as const;
  await appendAuditEvent(transaction, audit, { ...entry, outcome: 'success', changes });
  return key;
}

const columns = sql`key_id, name, tenant_ids, scopes, rate_requests, rate_window_seconds, created_by, created_at,
  expires_at, revoked_at, rotated_at, last_used_at,
  case when previous_valid_until > now() then previous_valid_until end as previous_valid_until,
  case when revoked_at is not null then 'revoked' when expires_at <= now() then 'expired' else 'active' end as status`;

const isActive = sql`revoked_at is null and (expires_at is null or expires_at > now())`;

type TableRow = Selectable<Schema['api_key']>;
type KeyRow = Omit<TableRow, 'secret_hash' | 'previous_secret_hash'> & Pick<ManagedKey, 'status'>;
type GrantRow = Pick<TableRow, 'name' | 'tenant_ids' | 'scopes' | 'rate_requests' | 'rate_window_seconds'>;

interface RecordRow extends GrantRow, Pick<TableRow, 'key_id' | 'secret_hash' | 'previous_secret_hash'> {
  readonly ends_in_ms: number | null;
  readonly previous_ends_in_ms: number | null;
}

/** Whether a key is of these tenants and of no other. */
function isWithin(tenants: Caller['tenants']) {
  return tenants === 'all' ? sql`true` : sql`tenant_ids <@ ${[...tenants]}::text[]`;
}

function tenantIds({ tenants }: Pick<Caller, 'tenants'>): string[] | null {
  return tenants === 'all' ? null : [...tenants];
}

function millisecondsUntil(column: 'expires_at' | 'previous_valid_until') {
  return sql`(extract(epoch from ${sql.ref(column)} - clock_timestamp()) * 1000)::float8`;
}

function toGrant(row: GrantRow) {
  const { rate_requests: requests, rate_window_seconds: windowSeconds } = row;
  return {
    name: row.name,
    tenants: row.tenant_ids ?? ('all' as const),
    scopes: row.scopes.filter(isScope),
    rate: requests === null || windowSeconds === null ? undefined : { requests, windowSeconds },
  };
}

function toKey(row: KeyRow): ManagedKey {
  return {
    ...toGrant(row),
    keyId: row.key_id,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    rotatedAt: row.rotated_at ?? undefined,
    previousValidUntil: row.previous_valid_until ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    status: row.status,
  };
}

function toRecord(row: RecordRow, askedAt: number): KeyRecord {
  const ends = askedAt + (row.ends_in_ms ?? Number.POSITIVE_INFINITY);
  const previousEnds = Math.min(ends, askedAt + (row.previous_ends_in_ms ?? Number.NEGATIVE_INFINITY));
  const { previous_secret_hash: previous } = row;
  const { name, tenants, scopes, rate } = toGrant(row);
  const caller = { keyId: row.key_id, keyName: name, tenants, scopes: new Set(scopes), source: 'database' } as const;
  return {
    caller: rate === undefined ? caller : { ...caller, rate },
    secrets: [
      { hash: row.secret_hash, goodUntilMs: ends },
      ...(previous === null ? [] : [{ hash: previous, goodUntilMs: previousEnds }]),
    ],
  };
}
