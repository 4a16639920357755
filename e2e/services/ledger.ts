import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskMeta } from 'vitest';
import type { Queries } from './servers.ts';

/** The answers that a sender got. */
export interface Sent {
  /** Id to content. */
  readonly acknowledged: ReadonlyMap<string, string>;
  readonly refused: number;
}

export type Ledger = NonNullable<TaskMeta['ledger']>;

/** Reads from the database what became of what a tenant sent. Every message is expected to be of one passage. */
export async function readLedger(db: Queries, tenantId: string, { acknowledged, refused }: Sent): Promise<Ledger> {
  const messages = await db.selectFrom('message').select(['id', 'content']).where('tenant_id', '=', tenantId).execute();
  const embeddings = await db
    .selectFrom('embedding')
    .select(['message_id', (e) => e.fn.countAll<string>().as('vectors')])
    .where('tenant_id', '=', tenantId)
    .groupBy('message_id')
    .execute();
  const stored = new Map(messages.map(({ id, content }) => [id, content]));
  const onceEmbedded = embeddings.filter(({ message_id, vectors }) => stored.has(message_id) && Number(vectors) === 1);
  const lost = [...acknowledged].filter(([id, content]) => stored.get(id) !== content);
  return {
    acknowledged: acknowledged.size,
    refused,
    stored: stored.size,
    embedded: onceEmbedded.length,
    lost: lost.length,
  };
}

/** How many of a tenant's messages wait to be embedded; leased: are being embedded by somebody. */
export async function countPending(db: Queries, tenantId: string): Promise<{ all: number; leased: number }> {
  const rows = await db
    .selectFrom('embedding_pending')
    .select(['leased_until'])
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'pending')
    .execute();
  return { all: rows.length, leased: rows.filter((row) => row.leased_until !== null).length };
}

/** Waits for something that the services do by themselves. The limit only ends a test that fails. */
export async function eventually(what: string, check: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(50)) {
    if (await check()) return;
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`);
}

/** Waits until nothing of a tenant is pending. What failed for good is not pending, nor embedded. */
export async function untilEmbedded(db: Queries, tenantId: string): Promise<void> {
  await eventually(`${tenantId} is embedded`, async () => (await countPending(db, tenantId)).all === 0);
}
