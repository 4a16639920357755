import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface ListedMessage {
  readonly id: string;
  readonly conversation_id: string;
  readonly content: string;
  readonly embedding_status: string;
}

export type ApiClient = ReturnType<typeof createApiClient>;

/** HTTP as an application speaks it. */
export function createApiClient(server: { readonly url: string; readonly apiKey: string }) {
  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        'x-api-key': server.apiKey,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    // Not application/x-ndjson, which has a JSON text in each line.
    const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  async function listAll(tenantId: string): Promise<ListedMessage[]> {
    const items = [];
    let cursor = '';
    do {
      const page = await call('GET', `/v1/messages?tenant_id=${tenantId}&limit=200${cursor && `&cursor=${cursor}`}`);
      if (page.status !== 200) throw new Error(`listing answered ${page.status}`);
      items.push(...page.body.items);
      cursor = page.body.next_cursor ?? '';
    } while (cursor !== '');
    return items;
  }

  return {
    call,
    get: (path: string) => call('GET', path),
    post: (path: string, body: unknown) => call('POST', path, body),
    delete: (path: string) => call('DELETE', path),

    /** Waits until the message has this status. */
    async waitForStatus(tenantId: string, id: string, status: string, timeoutMs = 60_000): Promise<void> {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const answer = await call('GET', `/v1/messages/${id}?tenant_id=${tenantId}`);
        if (answer.body.embedding_status === status) return;
        if (Date.now() > deadline) throw new Error(`message ${id} is still ${answer.body.embedding_status}`);
        await sleep(50);
      }
    },

    /** Every message of a tenant, page by page. */
    listAll,

    /** Waits until no message of a tenant is pending. @returns all of them. */
    async waitUntilSettled(tenantId: string, timeoutMs = 120_000): Promise<ListedMessage[]> {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const messages = await listAll(tenantId);
        const pending = messages.filter((message) => message.embedding_status === 'pending').length;
        if (pending === 0) return messages;
        if (Date.now() > deadline) throw new Error(`${pending} messages of ${tenantId} are still pending`);
        await sleep(100);
      }
    },
  };
}
