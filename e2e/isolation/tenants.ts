import { randomUUID } from 'node:crypto';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { createApiClient, type ApiClient } from '../api-client.ts';
import type { Things } from './attack-table.ts';
import { readEvents } from './read-events.ts';

/** The one who asks, the one whose things are asked for, one whose things are gone, and nobody. */
export type Party = 'asking' | 'victim' | 'gone' | 'nobody';

/** A text of this makes the embedding server refuse a message. */
export const poison = 'unembeddable';

/** What a party calls its own. */
export interface GivenNames {
  readonly tenant: string;
  readonly conversation: string;
  readonly externalId: string;
  readonly idempotencyKey: string;
}

// Of one length, so that answers that repeat one are of one length too.
const words = { asking: 'asking', victim: 'victim', gone: 'ghosts', nobody: 'nobody' } as const;
const [tenantEnd, conversationEnd, externalEnd, keyEnd] = Array.from({ length: 4 }, () => randomUUID().slice(0, 8));

/** Found nowhere else; none of them holds another one. */
export function givenNames(party: Party): GivenNames {
  const word = words[party];
  return {
    tenant: `${word}-${tenantEnd}`,
    conversation: `room-of-${word}-${conversationEnd}`,
    externalId: `name-of-${word}-${externalEnd}`,
    idempotencyKey: `key-of-${word}-${keyEnd}`,
  };
}

export interface Owned {
  readonly things: Things;
  /** Further messages: one that is archived, one that could not be embedded. */
  readonly otherMessages: readonly string[];
}

/** Gives a tenant one of everything. Takes its messages away again when they are to be gone. */
export async function ownEverything(
  server: { readonly url: string; readonly apiKey: string },
  given: GivenNames,
  isToBeGone = false,
): Promise<Owned> {
  const api = createApiClient(server);
  const { tenant, conversation, externalId, idempotencyKey } = given;
  const about = { conversation_id: conversation, role: 'user' };
  const events = readEvents(server, { milliseconds: 60_000 });
  const first = { ...about, content: `${tenant} went to the harbour`, external_id: externalId };
  const message = await store(api, first, { 'idempotency-key': idempotencyKey });
  const second = await store(api, { ...about, content: `${tenant} likes tea at the harbour` });
  const failed = await store(api, { ...about, content: `${tenant} is ${poison}` });
  const old = { created_at: '2020-01-01T00:00:00Z', importance_override: 0.1 };
  const archived = await store(api, { ...about, content: `${tenant} once rowed`, ...old });
  await eventually(async () => {
    const { body } = await api.get('/v1/messages');
    const pending = body.items.filter((one: { embedding_status: string }) => one.embedding_status === 'pending');
    if (pending.length > 0 || body.items.length < 4) throw new Error(`${tenant} waits for ${pending.length}`);
  });
  const run = await api.post('/v1/admin/retention/run', { actions: ['archive'] });
  if (run.body.archived !== 1) throw new Error(`the run of ${tenant} answered ${JSON.stringify(run.body)}`);
  const page = await api.get(`/v1/messages?limit=1&conversation_id=${conversation}`);
  const found = await api.get('/v1/memory/search?query=harbour&top_k=1');
  const key = await api.post('/v1/admin/keys', { name: `key of ${tenant}`, scopes: ['search'] });
  const eventId = await events.firstId();
  events.stop();
  const things = {
    ...given,
    message,
    run: run.body.run_id,
    key: key.body.key_id,
    listCursor: page.body.next_cursor,
    searchCursor: found.body.next_cursor,
    failureCursor: failed,
    eventId,
  };
  const missing = Object.entries(things).filter(([, value]) => typeof value !== 'string');
  if (missing.length > 0) throw new Error(`${tenant} lacks ${missing.join(', ')}`);
  if (isToBeGone) for (const id of [message, second, failed, archived]) await api.delete(`/v1/messages/${id}`);
  return { things, otherMessages: [archived, failed] };
}

async function store(api: ApiClient, body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await api.call('POST', '/v1/messages', body, headers);
  if (answer.status !== 202) throw new Error(`storing answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

/** All that a tenant can see of itself; no attack may have changed it. */
export async function everythingOf(server: { readonly url: string; readonly apiKey: string }, owned: Owned) {
  const api = createApiClient(server);
  const paths = [
    '/v1/messages?limit=200',
    '/v1/admin/embeddings/failed?limit=200',
    `/v1/admin/retention/runs/${owned.things.run}`,
    ...[owned.things.message, ...owned.otherMessages].map((id) => `/v1/messages/${id}`),
  ];
  return Promise.all(paths.map(async (path) => ({ path, ...(await statusAndBody(api, path)) })));
}

async function statusAndBody(api: ApiClient, path: string) {
  const { status, body } = await api.get(path);
  return { status, body };
}
