import { toVectorLiteral } from '@memory-layer/shared/db/vector';
import { appendMessageEvents } from '@memory-layer/shared/events/append-message-events.sql';
import { sql } from 'kysely';
import type { TestApi } from './test-api.ts';
import { WordEmbedder } from './word-embedder.ts';

/** Does with a tenant's pending messages what an embed worker does: vectors in, pending rows out. */
export async function embedPending(
  { db, generation }: Pick<TestApi, 'db' | 'generation'>,
  tenantId: string,
): Promise<void> {
  const messages = await db
    .selectFrom('embedding_pending as p')
    .innerJoin('message as m', (join) =>
      join.onRef('m.tenant_id', '=', 'p.tenant_id').onRef('m.id', '=', 'p.message_id'),
    )
    .where('p.tenant_id', '=', tenantId)
    .where('p.state', '=', 'pending')
    .select(['m.id', 'm.content', 'm.conversation_id', 'm.role', 'm.importance', 'm.created_at', 'm.expires_at'])
    .execute();
  if (messages.length === 0) return;
  const vectors = await new WordEmbedder().embed(
    messages.map((message) => message.content),
    { kind: 'passage' },
  );
  const rows = messages.map(({ id, content: _, ...copied }, index) => ({
    ...copied,
    tenant_id: tenantId,
    message_id: id,
    generation,
    passage_no: 0,
    vector: toVectorLiteral(vectors[index] ?? Float32Array.of()),
  }));
  await db.insertInto('embedding').values(rows).execute();
  // A Date has lost the microseconds.
  await sql`
    update embedding e set created_at = m.created_at from message m
    where m.tenant_id = ${tenantId} and e.tenant_id = m.tenant_id and e.message_id = m.id`.execute(db);
  await db.deleteFrom('embedding_pending').where('tenant_id', '=', tenantId).where('state', '=', 'pending').execute();
  await appendMessageEvents(db, [{ tenantId, type: 'message.embedded', messageIds: messages.map(({ id }) => id) }]);
}
