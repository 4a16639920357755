import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';
import { claimKeys } from '../idempotency/claim-keys.ts';
import { toRecordedOutcome, type IdempotencyClaim, type RecordedAnswer } from '../idempotency/idempotency.ts';
import { findAnswer, recordAnswers } from '../idempotency/recorded-answers.ts';
import type { Outcome } from '../message.ts';
import { storeMessages } from './store-messages.ts';
import type { WriteRequest, WriteResult } from './write-request.ts';

export type MessageWriteRepository = ReturnType<typeof createMessageWriteRepository>;

export function createMessageWriteRepository(db: Kysely<Schema>) {
  return {
    /**
     * Writes all requests or none, at the price of one statement when none holds an idempotency key or an external id.
     * A request whose key is taken is not written: its answer is what was recorded.
     */
    async write(requests: readonly WriteRequest[]): Promise<WriteResult[]> {
      if (requests.every((request) => request.claim === undefined)) {
        return toResults(requests, await store(db, requests));
      }
      const written = await db.transaction().execute((transaction) => writeClaimed(transaction, requests));
      return Promise.all(
        requests.map(
          async (request) => written.get(request) ?? { kind: 'recorded', answer: await recorded(db, request) },
        ),
      );
    },
  };
}

/** Of two requests with the same key the first is written. */
async function writeClaimed(
  transaction: Kysely<Schema>,
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

const keyOf = (claim: IdempotencyClaim) => `${claim.tenantId}/${claim.key}`;

const store = (db: Kysely<Schema>, requests: readonly WriteRequest[]) =>
  storeMessages(
    db,
    requests.flatMap((request) => request.rows),
  );

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
