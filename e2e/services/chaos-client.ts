import type { History, AcknowledgedMessage } from './chaos-history.ts';
import type { ChaosRequest } from './chaos-request.ts';

/** Where to, and with what key. */
export interface Address {
  readonly url: string;
  readonly apiKey: string;
}

export interface SendOptions {
  /** The client goes away after this. */
  readonly timeoutMs: number;
}

export type Outcome = 'acknowledged' | 'refused' | 'lost';

const paths = { single: '/v1/messages', batch: '/v1/messages/batch', import: '/v1/messages/import' } as const;

// Away, or overloaded: the client is asked to come again.
const refusals = new Set([503, 504]);

/** Sends a request once, and records the answer. Never throws: an answer that violates an invariant is recorded. */
export async function sendRequest(
  request: ChaosRequest,
  to: Address,
  history: History,
  { timeoutMs }: SendOptions,
): Promise<Outcome> {
  history.send(request);
  history.count(`sent ${request.kind}`);
  try {
    const response = await fetch(to.url + paths[request.kind], {
      method: 'POST',
      headers: {
        'x-api-key': to.apiKey,
        'content-type': request.kind === 'import' ? 'application/x-ndjson' : 'application/json',
        ...(request.idempotencyKey === undefined ? {} : { 'idempotency-key': request.idempotencyKey }),
      },
      body: bodyOf(request),
      signal: AbortSignal.timeout(timeoutMs),
    });
    history.count(`answered ${response.status}`);
    if (response.headers.get('idempotency-replayed') === 'true') history.count('replayed');
    if (refusals.has(response.status)) {
      await response.body?.cancel();
      return 'refused';
    }
    if (request.kind === 'import') return await readLines(request, response, history);
    return await readAnswer(request, response, history);
  } catch {
    // The process went away, before or in the middle of its answer, or the client did.
    history.count('lost');
    return 'lost';
  }
}

function bodyOf({ kind, messages }: ChaosRequest): string {
  if (kind === 'import') return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  return JSON.stringify(kind === 'single' ? messages[0] : { messages });
}

async function readAnswer(request: ChaosRequest, response: Response, history: History): Promise<Outcome> {
  const text = await response.text();
  const acknowledged = response.ok ? acknowledgedIn(JSON.parse(text)) : [];
  if (acknowledged.length !== request.messages.length) {
    history.contradict(`a ${request.kind} was answered ${response.status}`, text.slice(0, 500));
    return 'refused';
  }
  for (const message of acknowledged) {
    if ('duplicate' in message) history.count('duplicates');
    history.acknowledge(message);
  }
  return 'acknowledged';
}

function acknowledgedIn(
  body: AcknowledgedMessage | { readonly created: readonly AcknowledgedMessage[] },
): readonly AcknowledgedMessage[] {
  return 'created' in body ? body.created : [body];
}

/** Each line that was read counts, though the connection may break after it. */
async function readLines(request: ChaosRequest, response: Response, history: History): Promise<Outcome> {
  if (!response.ok || response.body === null) {
    history.contradict(`an import was answered ${response.status}`, (await response.text()).slice(0, 500));
    return 'refused';
  }
  let rest = '';
  let refused = 0;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) refused += Number(!readLine(request, JSON.parse(line), history));
  }
  return refused === 0 && history.isAcknowledged(request) ? 'acknowledged' : 'refused';
}

interface Line extends Partial<AcknowledgedMessage> {
  /** The last line, which has counts, has none. */
  readonly line?: number;
  readonly duplicate?: boolean;
  readonly code?: string;
}

/** @returns whether the line says that its message is stored. */
function readLine(request: ChaosRequest, line: Line, history: History): boolean {
  if (line.line === undefined) return true;
  const message = request.messages[line.line - 1];
  if (line.id !== undefined && message !== undefined) {
    if (line.duplicate === true) history.count('duplicates');
    history.acknowledge({ id: line.id, external_id: message.external_id });
    return true;
  }
  history.count('refused lines');
  if (!['unavailable', 'deadline_exceeded'].includes(line.code ?? '')) {
    history.contradict('a line of an import was refused', JSON.stringify(line));
  }
  return false;
}
