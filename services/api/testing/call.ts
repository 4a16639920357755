export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, as application/json unless the headers say otherwise. */
  readonly raw?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  /** Another key than the unbound one; null for none. */
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
}

export type Call = (method: string, path: string, options?: CallOptions) => Promise<Answer>;

interface Requestable {
  request(path: string, init: RequestInit): Response | Promise<Response>;
}

/** Speaks to an app as over HTTP, without a listener. */
export function createCaller(app: Requestable, defaultKey: string): Call {
  return async function call(method, path, { body, raw, key = defaultKey, headers = {} } = {}) {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const response = await app.request(path, {
      method,
      headers: {
        ...(key === null ? {} : { 'x-api-key': key }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(payload === undefined ? {} : { body: payload, duplex: 'half' }),
    });
    const text = await response.text();
    const isJson = /(?<!nd)json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  };
}
