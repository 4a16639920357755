import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { isRefusedRow } from '@memory-layer/shared/db/database-errors';
import { instantFromColumn } from '@memory-layer/shared/time/instant';
import { instantColumn } from '@memory-layer/shared/time/instant.sql';
import { sql, type Kysely } from 'kysely';
import { embeddingStatusOf } from '../embedding-status.sql.ts';
import type { Outcome } from '../message.ts';
import { deleteExpired } from './expired-messages.sql.ts';
import { insertMessages, insertTenants } from './insert-messages.sql.ts';
import { storedOutcome, type MessageRow } from './message-row.ts';
import { compareRepeats, withChanges, type ExistingMessage } from './repeats.ts';
import { updateMessages } from './update-messages.sql.ts';

// A message can be deleted between finding that it is in the way and looking at it; then its place is free.
const rounds = 3;

/**
 * The order in which every transaction inserts its rows, so that two of them wait for each other and never deadlock.
 * Of rows with the same external id the first stays the first.
 */
export function inInsertOrder(rows: readonly MessageRow[]): readonly MessageRow[] {
  if (rows.every((row) => row.externalId === undefined)) return rows;
  return rows.toSorted((a, b) => compare(a.tenantId, b.tenantId) || compare(a.externalId ?? '', b.externalId ?? ''));
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/**
 * Stores messages with their pending rows; what was stored before under its external id is found again, and changed
 * where the row says so.
 *
 * @param rows in {@link inInsertOrder}.
 * @returns an outcome a row, in their order.
 */
export async function storeMessages(db: Kysely<Schema>, rows: readonly MessageRow[]): Promise<Outcome[]> {
  const outcomes = new Map<MessageRow, Outcome>();
  let left = rows;
  for (let round = 0; left.length > 0; round++) {
    if (round === rounds) throw new Error('messages with the same external ids come and go faster than they are found');
    const stored = await insertMessages(db, left);
    for (const row of left) if (stored.has(row.id)) outcomes.set(row, storedOutcome(row));
    left = left.filter((row) => !stored.has(row.id));
    if (left.length === 0) break;
    if (round === 0 && (await deleteExpired(db, left))) continue;
    const existing = new Map((await findByExternalId(db, left)).map((message) => [keyOf(message), message]));
    const repeats = compareRepeats(existing, left, keyOf);
    const changed = await updateMessages(db, repeats.changes);
    for (const [row, outcome] of repeats.outcomes) {
      const known = withChanges(outcome, repeats.changes, changed);
      if (known !== undefined) outcomes.set(row, known);
    }
    left = left.filter((row) => !outcomes.has(row));
  }
  return rows.map((row) => outcomes.get(row) ?? storedOutcome(row));
}

/** The same, but for rows that the database refuses: halves are tried until each of those is alone. */
export async function storeEach(
  transaction: Kysely<Schema>,
  rows: readonly MessageRow[],
  onRefusedRow: (error: unknown) => void,
): Promise<Outcome[]> {
  // A tenant that the database refuses is found with its rows.
  await unlessRefused(transaction, () => insertTenants(transaction, rows));
  return storeHalves(transaction, rows, onRefusedRow);
}

async function storeHalves(
  transaction: Kysely<Schema>,
  rows: readonly MessageRow[],
  onRefusedRow: (error: unknown) => void,
): Promise<Outcome[]> {
  const stored = await unlessRefused(transaction, () => storeMessages(transaction, rows));
  if (stored.isDone) return stored.result;
  if (rows.length === 1) {
    onRefusedRow(stored.error);
    return [{ kind: 'refused' }];
  }
  const middle = rows.length >> 1;
  const first = await storeHalves(transaction, rows.slice(0, middle), onRefusedRow);
  return [...first, ...(await storeHalves(transaction, rows.slice(middle), onRefusedRow))];
}

type Tried<T> = { readonly isDone: true; readonly result: T } | { readonly isDone: false; readonly error: unknown };

/** Undoes what the database refuses, and the transaction goes on. */
async function unlessRefused<T>(transaction: Kysely<Schema>, work: () => Promise<T>): Promise<Tried<T>> {
  await sql`savepoint before_rows`.execute(transaction);
  try {
    const result = await work();
    await sql`release savepoint before_rows`.execute(transaction);
    return { isDone: true, result };
  } catch (error) {
    if (!isRefusedRow(error)) throw error;
    await sql`rollback to savepoint before_rows`.execute(transaction);
    await sql`release savepoint before_rows`.execute(transaction);
    return { isDone: false, error };
  }
}

// No id has a NUL, so that different pairs have different keys.
const keyOf = (message: Pick<MessageRow, 'tenantId' | 'externalId'>) => `${message.tenantId}\0${message.externalId}`;

type Reference = Pick<MessageRow, 'tenantId' | 'externalId' | 'generation'>;

/** The messages that have one of these external ids, in any order. */
async function findByExternalId(
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
    select ${columns}, ${embeddingStatusOf(referenced)} as embedding_status, null as archived_at
    from reference r join message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id
    union all
    select ${columns}, 'archived', ${instantColumn('m.archived_at')}
    from reference r join archived_message m on m.tenant_id = r.tenant_id and m.external_id = r.external_id
  `.execute(db);
  return result.rows.map(toExistingMessage);
}

const referenced = { tenantId: sql.ref('m.tenant_id'), id: sql.ref('m.id'), generation: sql.ref('r.generation') };

const columns = sql`m.id, m.tenant_id, m.external_id, m.conversation_id, m.role, m.metadata, m.importance,
  m.content_hash, ${instantColumn('m.created_at')} as created_at, ${instantColumn('m.updated_at')} as updated_at,
  ${instantColumn('m.expires_at')} as expires_at`;

interface Row {
  readonly id: string;
  readonly tenant_id: string;
  readonly external_id: string;
  readonly conversation_id: string;
  readonly role: Role;
  readonly metadata: Record<string, unknown>;
  readonly importance: number;
  readonly content_hash: Buffer;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string | null;
  readonly embedding_status: ExistingMessage['embeddingStatus'];
  readonly archived_at: string | null;
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
    createdAt: instantFromColumn(row.created_at),
    updatedAt: instantFromColumn(row.updated_at),
    expiresAt: row.expires_at === null ? undefined : instantFromColumn(row.expires_at),
    embeddingStatus: row.embedding_status,
    archivedAt: row.archived_at === null ? undefined : instantFromColumn(row.archived_at),
  };
}
