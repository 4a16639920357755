import type { Book, ToldMessage } from './chaos-book.ts';
import type { Letter } from './chaos-letter.ts';

/** Where to, and with what key. */
export interface Address {
  readonly url: string;
  readonly apiKey: string;
}

export interface PostOptions {
  /** The client goes away after this. */
  readonly timeoutMs: number;
}

export type Delivery = 'acknowledged' | 'refused' | 'lost';

const paths = { single: '/v1/messages', batch: '/v1/messages/batch', import: '/v1/messages/import' } as const;

// Away, or overloaded: the client is asked to come again.
const refusals = new Set([503, 504]);

/** Sends a letter once, and writes down what was answered. Never throws: an answer that must not be is written down. */
export async function post(letter: Letter, to: Address, book: Book, { timeoutMs }: PostOptions): Promise<Delivery> {
  book.send(letter);
  book.count(`sent ${letter.kind}`);
  try {
    const response = await fetch(to.url + paths[letter.kind], {
      method: 'POST',
      headers: {
        'x-api-key': to.apiKey,
        'content-type': letter.kind === 'import' ? 'application/x-ndjson' : 'application/json',
        ...(letter.idempotencyKey === undefined ? {} : { 'idempotency-key': letter.idempotencyKey }),
      },
      body: bodyOf(letter),
      signal: AbortSignal.timeout(timeoutMs),
    });
    book.count(`answered ${response.status}`);
    if (response.headers.get('idempotency-replayed') === 'true') book.count('replayed');
    if (refusals.has(response.status)) {
      await response.body?.cancel();
      return 'refused';
    }
    if (letter.kind === 'import') return await readLines(letter, response, book);
    return await readAnswer(letter, response, book);
  } catch {
    // The process went away, before or in the middle of its answer, or the client did.
    book.count('lost');
    return 'lost';
  }
}

function bodyOf({ kind, messages }: Letter): string {
  if (kind === 'import') return messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  return JSON.stringify(kind === 'single' ? messages[0] : { messages });
}

async function readAnswer(letter: Letter, response: Response, book: Book): Promise<Delivery> {
  const text = await response.text();
  const told = response.ok ? toldIn(JSON.parse(text)) : [];
  if (told.length !== letter.messages.length) {
    book.contradict(`a ${letter.kind} was answered ${response.status}`, text.slice(0, 500));
    return 'refused';
  }
  for (const message of told) {
    if ('duplicate' in message) book.count('duplicates');
    book.acknowledge(message);
  }
  return 'acknowledged';
}

function toldIn(body: ToldMessage | { readonly created: readonly ToldMessage[] }): readonly ToldMessage[] {
  return 'created' in body ? body.created : [body];
}

/** Each line that was read counts, though the connection may break after it. */
async function readLines(letter: Letter, response: Response, book: Book): Promise<Delivery> {
  if (!response.ok || response.body === null) {
    book.contradict(`an import was answered ${response.status}`, (await response.text()).slice(0, 500));
    return 'refused';
  }
  let rest = '';
  let refused = 0;
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) refused += Number(!readLine(letter, JSON.parse(line), book));
  }
  return refused === 0 && book.isAcknowledged(letter) ? 'acknowledged' : 'refused';
}

interface Line extends Partial<ToldMessage> {
  readonly line?: number;
  readonly duplicate?: boolean;
  readonly code?: string;
}

/** @returns whether the line says that its message is stored. */
function readLine(letter: Letter, line: Line, book: Book): boolean {
  const message = letter.messages[(line.line ?? 0) - 1];
  if (line.id !== undefined && message !== undefined) {
    if (line.duplicate === true) book.count('duplicates');
    book.acknowledge({ id: line.id, external_id: message.external_id });
    return true;
  }
  book.count('refused lines');
  if (!['unavailable', 'deadline_exceeded'].includes(line.code ?? '')) {
    book.contradict('a line of an import was refused', JSON.stringify(line));
  }
  return false;
}
