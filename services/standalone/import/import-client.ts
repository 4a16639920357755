import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ImportLineStatus } from '@memory-layer/shared/message/import-statuses';
import type { ImportFile } from './import-file.ts';

export interface ImportTarget {
  /** Of the server. */
  readonly url: string;
  readonly key: string | undefined;
  /** Parameters of the import. */
  readonly query: Readonly<Record<string, string>>;
}

/** A line of the answer. */
export interface ImportOutcome {
  readonly line?: number;
  readonly pointer?: string;
  readonly status: ImportLineStatus;
  readonly detail?: string;
  readonly reason?: string;
  /** Of the last line: how many of the stored messages the next retention run archives; null when that is unknown. */
  readonly due_for_archive?: number | null;
}

export interface ImportObserver {
  readonly outcome: (outcome: ImportOutcome, line: string) => void;
  readonly sent: (bytes: number) => void;
  /** The connection broke, or the server is busy. The import continues after the messages that were answered. */
  readonly retry: (why: string, answered: number) => void;
}

/** The server refuses the import as a whole. Another attempt does not help. */
export class ImportRefused extends Error {}

class Interrupted extends Error {}

const maxFailuresInARow = 6;
const idleTimeoutMs = 120_000;

/**
 * Sends a file and reports the outcome of each message. When the connection breaks, it sends the file again, and the
 * server skips what it has answered.
 *
 * @throws ImportRefused; Error after several attempts without progress.
 */
export async function importFile(
  file: ImportFile,
  target: ImportTarget,
  observer: ImportObserver,
  backoffMs: (failures: number) => number = (failures) => Math.min(30_000, 500 * 2 ** failures),
): Promise<void> {
  let answered = 0;
  let failures = 0;
  for (;;) {
    const before = answered;
    try {
      await importOnce(file, target, answered, {
        ...observer,
        outcome(outcome, line) {
          if (outcome.status !== 'end') answered += 1;
          observer.outcome(outcome, line);
        },
      });
      return;
    } catch (error) {
      if (error instanceof ImportRefused) throw error;
      failures = answered > before ? 1 : failures + 1;
      const why = error instanceof Error ? error.message : String(error);
      if (failures >= maxFailuresInARow) {
        throw new Error(`gave up after ${failures} attempts: ${why}`, { cause: error });
      }
      // A dry run stores nothing, so there is nothing to skip.
      if (target.query['dry_run'] === 'true') throw error;
      observer.retry(why, answered);
      await delay(backoffMs(failures));
    }
  }
}

async function importOnce(
  file: ImportFile,
  target: ImportTarget,
  skip: number,
  observer: ImportObserver,
): Promise<void> {
  const url = new URL('/v1/messages/import', target.url);
  const query = { conversation_id: file.conversation, ...target.query, ...(skip === 0 ? {} : { skip: String(skip) }) };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const send = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = send(url, {
    method: 'POST',
    headers: {
      'content-type': file.contentType,
      'content-length': file.bytes,
      ...(target.key === undefined ? {} : { 'x-api-key': target.key }),
    },
    timeout: idleTimeoutMs,
  });
  request.on('timeout', () => request.destroy(new Interrupted('the server did not answer')));
  const body = file.open();
  let sent = 0;
  body.on('data', (chunk: Buffer) => observer.sent((sent += chunk.length)));
  body.on('error', (error) => request.destroy(error));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // After the answer has begun, its reader fails by itself.
    request.on('error', reject);
    request.on('response', resolve);
    body.pipe(request);
  });
  try {
    if (response.statusCode !== 200) await refuse(response);
    await readOutcomes(response, observer);
    if (sent < file.bytes) throw new Interrupted('the server ended the import before all was read');
  } finally {
    body.destroy();
    request.destroy();
  }
}

/** Reports each complete line of the answer. */
async function readOutcomes(response: IncomingMessage, { outcome }: ImportObserver): Promise<void> {
  const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
  let broken: unknown;
  response.on('error', (error) => (broken = error));
  for await (const line of lines) {
    const known = line.endsWith('}') ? parseOutcome(line) : undefined;
    if (known !== undefined) outcome(known, line);
  }
  if (broken !== undefined || !response.complete) throw new Interrupted('the connection broke');
}

/** An outcome, or the problem details of a refusal. */
function parseOutcome(line: string): ImportOutcome | undefined {
  try {
    // The server wrote it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return JSON.parse(line) as ImportOutcome;
  } catch {
    return undefined;
  }
}

async function refuse(response: IncomingMessage): Promise<never> {
  response.setEncoding('utf8');
  let text = '';
  for await (const part of response) text += String(part);
  const status = response.statusCode ?? 0;
  const message = `${status}: ${parseOutcome(text)?.detail ?? text.slice(0, 500)}`;
  throw status === 429 || status === 408 || status >= 500 ? new Interrupted(message) : new ImportRefused(message);
}
