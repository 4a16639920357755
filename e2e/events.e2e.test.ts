import { afterEach, expect, test } from 'vitest';
import { createApiClient } from './api-client.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface SeenEvent {
  readonly event: string;
  readonly id: string;
  readonly messageId: string;
}

/** The events of a tenant from now on, or from a place on. */
async function openEvents(server: StandaloneProcess, lastEventId?: string): Promise<AsyncGenerator<SeenEvent, void>> {
  const response = await fetch(`${server.url}/v1/events?tenant_id=t`, {
    headers: { 'x-api-key': server.apiKey, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
  });
  expect(response.status).toBe(200);
  return readEvents(response);
}

async function* readEvents({ body }: Response): AsyncGenerator<SeenEvent, void> {
  let text = '';
  for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const { event, id, data } = /^event: (?<event>.*)\nid: (?<id>.*)\ndata: (?<data>.*)$/.exec(block)?.groups ?? {};
      if (event && id && data) yield { event, id, messageId: JSON.parse(data).message_id };
    }
  }
}

test('a stream publishes what becomes of a message, ends with the process, and goes on after a restart', async () => {
  const folder = await makeDataDir();
  cleanups.push(() => folder.remove());
  const server = await startStandalone({ dataDir: folder.path });
  cleanups.push(() => server.kill('SIGKILL'));
  const api = createApiClient(server);

  const events = await openEvents(server);
  const body = { tenant_id: 't', conversation_id: 'c', role: 'user', content: 'tell me when you know it' };
  const stored = await api.post('/v1/messages', body);
  const embedded = (await events.next()).value;
  expect(embedded).toMatchObject({ event: 'message.embedded', messageId: stored.body.id });

  const end = events.next();
  expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(await end).toEqual({ done: true, value: undefined });

  const again = await startStandalone({ dataDir: folder.path });
  cleanups.push(() => again.kill('SIGKILL'));
  await createApiClient(again).delete(`/v1/messages/${stored.body.id}?tenant_id=t`);
  const resumed = await openEvents(again, embedded?.id);
  expect((await resumed.next()).value).toMatchObject({ event: 'message.deleted', messageId: stored.body.id });
});
