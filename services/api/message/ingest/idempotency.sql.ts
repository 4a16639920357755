import type { Schema } from '@memory-layer/shared/db/schema';
import { instantTextSchema } from '@memory-layer/shared/time/instant';
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import { embeddingStatuses } from '../message.ts';
import type { IdempotencyClaim, RecordedAnswer, RecordedOutcome } from './idempotency.ts';

/**
 * Takes the keys that nobody has, or whose time is over, until the transaction ends. Waits for a transaction that
 * is taking one of them; in the order of the keys, so that two of them cannot deadlock.
 *
 * @param claims no two of the same tenant and key.
 * @returns the claims that were granted.
 */
export async function claimKeys(
  transaction: Kysely<Schema>,
  claims: readonly IdempotencyClaim[],
): Promise<ReadonlySet<IdempotencyClaim>> {
  const result = await sql<{ n: number }>`
    with claim as materialized (
      select * from unnest(
        ${claims.map((claim) => claim.tenantId)}::text[],
        ${claims.map((claim) => claim.key)}::text[],
        ${claims.map((claim) => claim.requestHash)}::bytea[]
      ) with ordinality as t (tenant_id, idempotency_key, request_hash, n)
    ), granted as (
      insert into idempotency_key as held (tenant_id, idempotency_key, request_hash, answer, expires_at)
      select tenant_id, idempotency_key, request_hash, '{}', now() + interval '24 hours' from claim order by 1, 2
      on conflict on constraint idempotency_key_pkey do update
        set request_hash = excluded.request_hash, answer = '{}', created_at = now(), expires_at = excluded.expires_at
        where held.expires_at <= now()
      returning tenant_id, idempotency_key
    )
    select claim.n::int from claim join granted using (tenant_id, idempotency_key)
  `.execute(transaction);
  return new Set(result.rows.flatMap(({ n }) => claims[n - 1] ?? []));
}

type Key = Pick<IdempotencyClaim, 'tenantId' | 'key'>;

/** Writes what became of requests beside the keys that they hold. */
export async function recordAnswers(
  transaction: Kysely<Schema>,
  answers: readonly (Key & { readonly outcomes: readonly RecordedOutcome[] })[],
): Promise<void> {
  await sql`
    update idempotency_key held set answer = a.answer
    from unnest(
      ${answers.map((answer) => answer.tenantId)}::text[],
      ${answers.map((answer) => answer.key)}::text[],
      ${answers.map(({ outcomes }) => JSON.stringify({ outcomes }))}::jsonb[]
    ) as a (tenant_id, idempotency_key, answer)
    where held.tenant_id = a.tenant_id and held.idempotency_key = a.idempotency_key
  `.execute(transaction);
}

/** @returns undefined when nothing is recorded under the key, or no longer valid. */
export async function findAnswer(db: Kysely<Schema>, { tenantId, key }: Key): Promise<RecordedAnswer | undefined> {
  const row = await db
    .selectFrom('idempotency_key')
    .select(['request_hash', 'answer'])
    .where('tenant_id', '=', tenantId)
    .where('idempotency_key', '=', key)
    .where('expires_at', '>', sql<Date>`now()`)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { requestHash: row.request_hash, outcomes: answerSchema.parse(row.answer).outcomes };
}

const answerSchema = z.object({
  outcomes: z.array(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('stored'), id: z.string(), at: instantTextSchema }),
      z.object({
        kind: z.enum(['duplicate', 'updated', 'archived']),
        id: z.string(),
        importance: z.number(),
        createdAt: instantTextSchema,
        updatedAt: instantTextSchema,
        expiresAt: instantTextSchema.nullable(),
        embeddingStatus: z.enum(embeddingStatuses),
        archivedAt: instantTextSchema.optional(),
      }),
      z.object({ kind: z.literal('conflict'), existingId: z.string(), differs: z.array(z.string()).default([]) }),
      z.object({ kind: z.literal('refused') }),
    ]),
  ),
});
