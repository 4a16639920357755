import type { Schema } from '@memory-layer/shared/db/schema';
import { isRefusedRow } from '@memory-layer/shared/db/is-refused-data';
import { sql, type Kysely } from 'kysely';
import type { Kept, Outcome } from '../message.ts';
import { findByExternalId, type ExistingMessage } from './find-by-external-id.ts';
import { insertMessages, insertTenants } from './insert-messages.ts';
import type { MessageRow } from './message-row.ts';
import { rowCost } from './write-request.ts';

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
 * Stores messages with their pending rows; what was stored before under its external id is found again.
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
    const existing = new Map((await findByExternalId(db, left)).map((message) => [keyOf(message), message]));
    for (const row of left) {
      const message = existing.get(keyOf(row));
      if (message !== undefined) outcomes.set(row, outcomeBeside(message, row));
    }
    left = left.filter((row) => !outcomes.has(row));
  }
  return rows.map((row) => outcomes.get(row) ?? storedOutcome(row));
}

/** The same in several statements, none of which costs more; a single row may. */
export async function storeInParts(
  transaction: Kysely<Schema>,
  rows: readonly MessageRow[],
  maxStatementCost: number,
): Promise<Outcome[]> {
  // A later part would wait for a tenant while it holds the messages of an earlier one.
  await insertTenants(transaction, rows);
  const outcomes: Outcome[] = [];
  let part: MessageRow[] = [];
  let cost = 0;
  for (const row of rows) {
    if (part.length > 0 && cost + rowCost + row.bytes > maxStatementCost) {
      outcomes.push(...(await storeMessages(transaction, part)));
      [part, cost] = [[], 0];
    }
    part.push(row);
    cost += rowCost + row.bytes;
  }
  return [...outcomes, ...(await storeMessages(transaction, part))];
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

const keyOf = (message: Pick<MessageRow, 'tenantId' | 'externalId'>) => `${message.tenantId}/${message.externalId}`;

export function storedOutcome({
  contentHash: _,
  generation: __,
  metadataJson: ___,
  bytes: ____,
  ...message
}: MessageRow): Kept {
  return { kind: 'stored', message: { ...message, embeddingStatus: 'pending' } };
}

/** The same words of the same speaker in the same conversation are the same message; all else may have changed since. */
function outcomeBeside({ contentHash, ...existing }: ExistingMessage, row: MessageRow): Outcome {
  const same =
    contentHash.equals(row.contentHash) && existing.conversationId === row.conversationId && existing.role === row.role;
  if (!same) return { kind: 'conflict', existingId: existing.id };
  return { kind: 'duplicate', message: { ...existing, content: row.content } };
}
