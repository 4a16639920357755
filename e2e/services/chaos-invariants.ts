import { runSql } from '@memory-layer/shared/testing/run-sql';
import type { EmbeddingServer } from '../embedding-server.ts';
import type { History } from './chaos-history.ts';
import type { Queries } from './servers.ts';

interface StoredMessage {
  readonly id: string;
  readonly tenant_id: string;
  readonly external_id: string | null;
  readonly content: string;
}

/** Violated invariants of what is stored, in sentences; empty when all hold. */
export async function findViolations(db: Queries, history: History): Promise<string[]> {
  const stored = await db.selectFrom('message').select(['id', 'tenant_id', 'external_id', 'content']).execute();
  return [
    ...history.contradictions(),
    ...violationsOfMessages(stored, history),
    ...(await violationsOfVectors(db)),
    ...(await violationsOfKeys(db, stored, history)),
  ];
}

/** acknowledged ⊆ stored ⊆ sent, each once. */
function violationsOfMessages(stored: readonly StoredMessage[], { acknowledged, sent }: History): string[] {
  const violations: string[] = [];
  const idOf = new Map<string, string>();
  for (const { id, tenant_id: tenantId, external_id: externalId, content } of stored) {
    const message = sent.get(externalId ?? '');
    if (message === undefined) violations.push(`${id} is stored as ${externalId}, which was never sent`);
    else if (message.content !== content || message.tenant_id !== tenantId) violations.push(`${externalId} is altered`);
    if (idOf.has(externalId ?? '')) violations.push(`${externalId} is stored twice`);
    idOf.set(externalId ?? '', id);
  }
  for (const [externalId, id] of acknowledged) {
    const found = idOf.get(externalId);
    if (found === undefined) violations.push(`${externalId} was acknowledged and is lost`);
    else if (found !== id) violations.push(`${externalId} was acknowledged as ${id} and is ${found}`);
  }
  return violations;
}

/** Each message has one set of vectors, whole, and nothing pending, or no vectors and something pending or failed. */
async function violationsOfVectors(db: Queries): Promise<string[]> {
  const rows = await runSql<{ external_id: string; wrong: string | null }>(
    db,
    `
    select m.external_id, case
        when e.vectors is null and p.outbox is null then 'has neither vectors nor a pending row'
        when e.vectors is not null and p.outbox is not null then 'has vectors and a pending row'
        when e.generations > 1 or p.outbox > 1 then 'belongs to two generations'
        when e.vectors <> e.last + 1 then 'has a gap in its passages'
        when e.dimensions <> array[64] then 'has vectors of another dimension'
        when e.altered then 'has vectors with other columns than its own'
      end as wrong
    from message m
    left join lateral (
      select count(*) as vectors, max(passage_no) as last, count(distinct generation) as generations,
             array_agg(distinct vector_dims(vector)) as dimensions,
             bool_or((conversation_id, role, importance, created_at)
                     is distinct from (m.conversation_id, m.role, m.importance, m.created_at)) as altered
      from embedding where tenant_id = m.tenant_id and message_id = m.id having count(*) > 0
    ) e on true
    left join lateral (
      select count(*) as outbox from embedding_pending
      where tenant_id = m.tenant_id and message_id = m.id having count(*) > 0
    ) p on true`,
  );
  return rows.flatMap(({ external_id: name, wrong }) => (wrong === null ? [] : [`${name} ${wrong}`]));
}

/** What is recorded of a request with a key is what is stored of its messages. */
async function violationsOfKeys(db: Queries, stored: readonly StoredMessage[], { keyed }: History): Promise<string[]> {
  const idOf = new Map(stored.map((message) => [message.external_id, message.id]));
  const rows = await db.selectFrom('idempotency_key').select(['idempotency_key', 'answer']).execute();
  return rows.flatMap(({ idempotency_key: key, answer }) => {
    const names = keyed.get(key)?.messages.map((message) => message.external_id);
    if (names === undefined) return [`${key} was never sent`];
    const outcomes = Array.isArray(answer['outcomes']) ? answer['outcomes'] : [];
    const ids = outcomes.map((outcome: { readonly id?: string }) => outcome.id);
    const expected = names.map((name) => idOf.get(name));
    return JSON.stringify(ids) === JSON.stringify(expected) ? [] : [`${key} has recorded ${ids.join()}`];
  });
}

/** Messages, those of them that have vectors, and those that were acknowledged and are not there. */
export async function countStored(db: Queries, { acknowledged }: History) {
  const messages = await db.selectFrom('message').select('id').execute();
  const embedded = await db.selectFrom('embedding').select('message_id').distinct().execute();
  const ids = new Set(messages.map((message) => message.id));
  const lost = [...acknowledged.values()].filter((id) => !ids.has(id));
  return { stored: messages.length, embedded: embedded.length, lost: lost.length };
}

/** Compares vectors of some messages of one passage with what the embedding server says of them now. */
export async function countWrongVectors(db: Queries, embedding: EmbeddingServer, samples: number): Promise<number> {
  const rows = await runSql<{ content: string; vector: string }>(
    db,
    `
    select m.content, (array_agg(e.vector::text))[1] as vector
    from message m join embedding e on e.tenant_id = m.tenant_id and e.message_id = m.id
    group by m.tenant_id, m.id, m.content having count(*) = 1
    order by md5(m.id::text) limit $1`,
    [samples],
  );
  const response = await fetch(`${embedding.env.MEMORY_EMBEDDING_BASE_URL}/embeddings`, {
    method: 'POST',
    body: JSON.stringify({ input: rows.map((row) => row.content) }),
  });
  const { data } = (await response.json()) as { readonly data: readonly { readonly embedding: readonly number[] }[] };
  const similarities = rows.map((row, index) => cosine(JSON.parse(row.vector), data[index]?.embedding ?? []));
  if (similarities.length === 0) throw new Error('there are no vectors to compare');
  return similarities.filter((similarity) => !(similarity > 0.999)).length;
}

function cosine(one: readonly number[], other: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? Number.NaN), 0);
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
}
