import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import type { Target } from './closed-loop.ts';
import type { Messages } from '../harness/messages.ts';

export interface ImportPlan {
  readonly messages: Messages;
  readonly firstMessage: number;
  readonly lines: number;
}

export interface ImportOutcomes {
  readonly lines: number;
  readonly seconds: number;
  readonly linesPerSecond: number;
  /** Until the first outcome line: proof that answering begins before reading ends. */
  readonly firstOutcomeMs: number;
  readonly stored: number;
  readonly refused: number;
  /** Lines without an outcome, and answers other than 2xx as one more. */
  readonly errors: number;
  /** The first few outcomes that were no success. */
  readonly examples: readonly string[];
}

const chunkLines = 200;
const timeoutMs = 60_000;

/**
 * Sends one NDJSON stream, as fast as the target takes it, and reads its outcomes at the same time. Nothing is held
 * but one chunk: memory does not depend on the number of lines.
 *
 * @throws when the answer is not 2xx, or the connection breaks.
 */
export async function runImport({ url, apiKey }: Target, plan: ImportPlan): Promise<ImportOutcomes> {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  const headers = { 'content-type': 'application/x-ndjson', 'x-api-key': apiKey };
  const startedAt = performance.now();
  const request = open(new URL('/v1/messages/import', url), { method: 'POST', headers, timeout: timeoutMs });
  request.on('timeout', () => request.destroy(new Error(`nothing was sent or answered for ${timeoutMs} ms`)));
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  request.on('response', resolve).on('error', reject);

  // Refused early, the target may close before it has read all: then its answer is the reason, not the broken pipe.
  const sent = pipeline(Readable.from(chunks(plan)), request).catch((error: unknown) => error);
  const response = await answered;
  if (response.statusCode !== 200) throw new Error(`answered ${response.statusCode}: ${await text(response)}`);
  const outcomes = await readOutcomes(response, startedAt);
  const failure = await sent;
  if (failure instanceof Error) throw failure;

  const seconds = (performance.now() - startedAt) / 1000;
  return {
    lines: plan.lines,
    seconds: Math.round(seconds * 1000) / 1000,
    linesPerSecond: Math.round(plan.lines / seconds),
    ...outcomes,
    errors: outcomes.refused + Math.abs(plan.lines - outcomes.stored - outcomes.refused),
  };
}

function* chunks({ messages, firstMessage, lines }: ImportPlan): Generator<Buffer> {
  for (let from = 0; from < lines; from += chunkLines) {
    const length = Math.min(chunkLines, lines - from);
    const chunk = Array.from({ length }, (_, n) => `${JSON.stringify(messages(firstMessage + from + n))}\n`);
    yield Buffer.from(chunk.join(''));
  }
}

/** A stored line's outcome has the message's id; anything else is a refusal. */
async function readOutcomes(response: IncomingMessage, startedAt: number) {
  const examples: string[] = [];
  let [stored, refused, firstOutcomeMs] = [0, 0, 0];
  const lines = createInterface({ input: response, crlfDelay: Infinity });
  lines.on('line', (line) => {
    if (line === '') return;
    if (firstOutcomeMs === 0) firstOutcomeMs = Math.round(performance.now() - startedAt);
    const outcome: unknown = JSON.parse(line);
    if (isStored(outcome)) {
      stored += 1;
      return;
    }
    // The last line counts the others.
    if (line.startsWith('{"status":"end"')) return;
    refused += 1;
    if (examples.length < 3) examples.push(line);
  });
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  response.on('error', reject);
  lines.on('close', () => resolve(undefined));
  await promise;
  return { stored, refused, firstOutcomeMs, examples };
}

function isStored(outcome: unknown): boolean {
  return typeof outcome === 'object' && outcome !== null && 'id' in outcome && !('error' in outcome);
}
