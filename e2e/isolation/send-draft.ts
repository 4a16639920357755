import { sendRequest } from '../abuse/fuzz/send-request.ts';
import type { ApiOperation } from './api-operations.ts';
import type { Draft } from './attack-table.ts';

export interface SentAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly milliseconds: number;
}

/** What a header field cannot hold is not sent: Node.js refuses it before the API sees it. */
const isSendable = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

/** Sends a request as it is written, byte by byte. */
export async function sendDraft(port: number, key: string, operation: ApiOperation, draft: Draft): Promise<SentAnswer> {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => draft.path?.[name] ?? '');
  const query = (draft.query ?? []).map(([name, value]) => `${name}=${value}`).join('&');
  const text = draft.text ?? (draft.body === undefined ? undefined : JSON.stringify(draft.body));
  const isLines = operation.mediaType === 'application/x-ndjson';
  return sendRequest(port, {
    method: operation.method,
    target: query === '' ? path : `${path}?${query}`,
    headers: [
      ['x-api-key', key],
      ...(text === undefined ? [] : [['content-type', operation.mediaType ?? 'application/json'] as const]),
      ...(draft.headers ?? []).filter(([, value]) => isSendable(value)),
    ],
    body: text === undefined ? undefined : Buffer.from(isLines ? `${text}\n` : text),
  });
}
