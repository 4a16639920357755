import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { z } from 'zod';
import { embeddingStatuses } from '../message.ts';
import type { IdempotencyClaim, RecordedAnswer, RecordedOutcome } from './idempotency.ts';

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
      z.object({ kind: z.literal('stored'), id: z.string(), at: z.number() }),
      z.object({
        kind: z.literal('duplicate'),
        id: z.string(),
        importance: z.number(),
        createdAt: z.number(),
        updatedAt: z.number(),
        expiresAt: z.number().nullable(),
        embeddingStatus: z.enum(embeddingStatuses),
      }),
      z.object({ kind: z.literal('conflict'), existingId: z.string() }),
      z.object({ kind: z.literal('refused') }),
    ]),
  ),
});
