import { isRefusedRow } from '@memory-layer/shared/db/database-errors';
import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import type { Outcome } from '../message.ts';
import { claimKeys, findAnswer, recordAnswers } from './idempotency.sql.ts';
import { toRecordedOutcome, type IdempotencyClaim, type RecordedAnswer } from './idempotency.ts';
import { costOfRow, type MessageRow } from './message-row.ts';
import { inInsertOrder, storeEach, storeMessages } from './store-messages.sql.ts';

/** Messages of one caller: stored together or not at all. */
export interface WriteRequest {
  readonly rows: readonly MessageRow[];
  readonly claim: IdempotencyClaim | undefined;
}

export type WriteResult =
  | { readonly kind: 'written'; readonly outcomes: readonly Outcome[] }
  /** The same request was written before, by itself or by a twin of it. */
  | { readonly kind: 'recorded'; readonly answer: RecordedAnswer };

/** What a request costs the database, in bytes. */
export function costOf({ rows }: WriteRequest): number {
  return rows.reduce((sum, row) => sum + costOfRow(row), 0);
}

/**
 * The request in parts of at most this cost, to be written one after the other; a single row may cost more. Each part
 * holds a key of its own: sent again, a request that was written in part goes on where it ended, since the same request
 * has the same parts.
 */
export function partsOf(request: WriteRequest, maxCost: number): readonly WriteRequest[] {
  const { rows, claim } = request;
  if (costOf(request) <= maxCost) return [request];
  const parts: MessageRow[][] = [];
  let cost = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    cost += costOfRow(row);
    if (cost > maxCost) {
      parts.push([]);
      cost = costOfRow(row);
    }
    parts.at(-1)?.push(row);
  }
  return parts.map((own, n) => ({ rows: own, claim: claimOfPart(claim, n) }));
}

/** The first part has the request's own key. No client can send a key with spaces, and no other request has this hash. */
function claimOfPart(claim: IdempotencyClaim | undefined, part: number): IdempotencyClaim | undefined {
  if (claim === undefined || part === 0) return claim;
  return { ...claim, key: `${claim.key} ${claim.requestHash.toString('hex')} ${part + 1}` };
}

/** Whether a key was taken by another request than the one that claims it. */
export function isOfAnotherRequest({ claim }: WriteRequest, result: WriteResult): boolean {
  return result.kind === 'recorded' && claim?.requestHash.equals(result.answer.requestHash) !== true;
}

export interface MessageWriteRepositoryOptions {
  /** Called for each row that the database refuses, though it passed all checks. */
  readonly onRefusedRow: (error: unknown) => void;
}

export type MessageWriteRepository = ReturnType<typeof createMessageWriteRepository>;

type Store = (db: Kysely<Schema>, requests: readonly WriteRequest[]) => Promise<Outcome[]>;

export function createMessageWriteRepository(db: Kysely<Schema>, { onRefusedRow }: MessageWriteRepositoryOptions) {
  return {
    /**
     * Writes all requests or none, at the price of one statement when none holds an idempotency key or an external id.
     * A request whose key is taken is not written: its answer is what was recorded. Of a request that is alone, rows
     * that the database refuses are left out.
     */
    async write(requests: readonly WriteRequest[]): Promise<WriteResult[]> {
      try {
        return await writeBy(atOnce, requests.some(mayUpdate), requests);
      } catch (error) {
        // Others go with it: each is tried alone, and comes back here if it is the one.
        if (requests.length > 1 || !isRefusedRow(error)) throw error;
        return writeRowByRow(requests);
      }
    },
  };

  async function writeRowByRow(requests: readonly WriteRequest[]): Promise<WriteResult[]> {
    try {
      return await writeBy(rowByRow, true, requests);
    } catch (error) {
      if (error instanceof AllRefused) return toResults(requests, error.outcomes);
      throw error;
    }
  }

  async function writeBy(
    store: Store,
    needsTransaction: boolean,
    requests: readonly WriteRequest[],
  ): Promise<WriteResult[]> {
    if (requests.every((request) => request.claim === undefined)) {
      if (!needsTransaction) return toResults(requests, await store(db, requests));
      return toResults(requests, await db.transaction().execute((transaction) => store(transaction, requests)));
    }
    const written = await db.transaction().execute((transaction) => writeClaimed(transaction, store, requests));
    return Promise.all(
      requests.map(
        async (request) => written.get(request) ?? { kind: 'recorded', answer: await recorded(db, request) },
      ),
    );
  }

  async function rowByRow(transaction: Kysely<Schema>, requests: readonly WriteRequest[]): Promise<Outcome[]> {
    const outcomes = await storeInOrder(requests, (rows) => storeEach(transaction, rows, onRefusedRow));
    if (outcomes.every(({ kind }) => kind === 'refused')) throw new AllRefused(outcomes);
    return outcomes;
  }
}

/** Whether what is stored may change: then in a transaction, with what follows from it. */
function mayUpdate({ rows }: WriteRequest): boolean {
  return rows.some((row) => row.onConflict === 'update' && row.externalId !== undefined);
}

function atOnce(transaction: Kysely<Schema>, requests: readonly WriteRequest[]): Promise<Outcome[]> {
  return storeInOrder(requests, (rows) => storeMessages(transaction, rows));
}

/** @returns the outcomes in the order of the requests and their rows. */
async function storeInOrder(
  requests: readonly WriteRequest[],
  store: (rows: readonly MessageRow[]) => Promise<Outcome[]>,
): Promise<Outcome[]> {
  const rows = requests.flatMap((request) => request.rows);
  const ordered = inInsertOrder(rows);
  const outcomes = await store(ordered);
  if (ordered === rows) return outcomes;
  const places = new Map(ordered.map((row, n) => [row, n]));
  return rows.flatMap((row) => outcomes[places.get(row) ?? -1] ?? []);
}

/** Undoes the transaction: a request of which nothing is stored does not use up its key. */
class AllRefused extends Error {
  readonly outcomes: readonly Outcome[];

  constructor(outcomes: readonly Outcome[]) {
    super('the database refuses every message of a request');
    this.outcomes = outcomes;
  }
}

/** Of two requests with the same key the first is written. */
async function writeClaimed(
  transaction: Kysely<Schema>,
  store: Store,
  requests: readonly WriteRequest[],
): Promise<ReadonlyMap<WriteRequest, WriteResult>> {
  const claims = new Map(requests.flatMap(({ claim }) => (claim ? [[keyOf(claim), claim] as const] : [])).toReversed());
  const granted = await claimKeys(transaction, [...claims.values()]);
  const admitted = requests.filter(({ claim }) => claim === undefined || granted.has(claim));
  const results = toResults(admitted, await store(transaction, admitted));
  const answers = admitted.flatMap(({ claim }, n) => {
    const result = results[n];
    if (claim === undefined || result?.kind !== 'written') return [];
    return [{ tenantId: claim.tenantId, key: claim.key, outcomes: result.outcomes.map(toRecordedOutcome) }];
  });
  if (answers.length > 0) await recordAnswers(transaction, answers);
  return new Map(admitted.flatMap((request, n) => (results[n] ? [[request, results[n]] as const] : [])));
}

// No tenant id and no key has a NUL, so that different pairs have different keys.
const keyOf = (claim: IdempotencyClaim) => `${claim.tenantId}\0${claim.key}`;

/** Gives each request the outcomes of its own rows. */
function toResults(requests: readonly WriteRequest[], outcomes: readonly Outcome[]): WriteResult[] {
  let start = 0;
  return requests.map(({ rows }) => {
    const end = start + rows.length;
    const own = outcomes.slice(start, end);
    start = end;
    return { kind: 'written', outcomes: own };
  });
}

async function recorded(db: Kysely<Schema>, { claim }: WriteRequest): Promise<RecordedAnswer> {
  const answer = claim && (await findAnswer(db, claim));
  if (answer === undefined) throw new Error('an idempotency key was taken, and its answer is gone');
  return answer;
}
