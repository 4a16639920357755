import { fstatSync, write as writeFile, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

type StandardStream = NodeJS.WriteStream & { readonly fd: number };

export interface LogOutputOptions {
  /** The stream that lines go to; standard output when not given. */
  readonly stream?: StandardStream;
  /** Characters of lines that may wait for a reader; further lines are dropped. */
  readonly maxWaiting?: number;
}

type Send = (text: string, done: (error?: Error | null) => void) => void;

// Written a hundred at a time: a write for each line costs a tenth of a request.
const batchLength = 32_768;
const batchMs = 100;
const defaultMaxWaiting = 1_048_576;

/**
 * Takes log lines and never blocks: a reader that does not keep up, or has gone, loses lines, which are counted. Node.js
 * writes to pipes without waiting, to files by its thread pool, and to a terminal as if it were a pipe here.
 */
export class LogOutput implements DestinationStream {
  readonly #fd: number;
  readonly #send: Send;
  readonly #maxWaiting: number;
  #waiting = '';
  #sending = '';
  #isBroken = false;
  #timer: NodeJS.Timeout | undefined;
  #droppedLines = 0;
  readonly #onSent: (() => void)[] = [];

  constructor({ stream = process.stdout, maxWaiting = defaultMaxWaiting }: LogOutputOptions = {}) {
    this.#fd = stream.fd;
    this.#maxWaiting = maxWaiting;
    this.#send = isFile(stream.fd) ? (text, done) => sendToFile(stream.fd, text, done) : sendTo(stream);
    // That a reader has gone is no reason to end; what Node.js itself warns of goes to the other stream.
    for (const one of [stream, process.stderr]) one.on('error', () => undefined);
    process.once('exit', () => this.flushSync());
  }

  /** Lines that nobody has got, since the start. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** @param text one or more whole lines. */
  write(text: string): void {
    if (this.#isBroken || this.#waiting.length + text.length > this.#maxWaiting) {
      this.#droppedLines += countLines(text);
      return;
    }
    this.#waiting += text;
    if (this.#waiting.length >= batchLength) this.#sendWaiting();
    else this.#timer ??= setTimeout(() => this.#sendWaiting(), batchMs).unref();
  }

  /** Resolves once everything is written, or the time is up: what is left then is lost with the process. */
  async flush(timeoutMs: number): Promise<void> {
    this.#sendWaiting();
    if (this.#sending === '') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onSent.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** A last attempt, at the end of the process: as much as goes without waiting. */
  flushSync(): void {
    // Behind a write that is under way, its rest would stand in the middle of another line.
    if (this.#waiting === '' || this.#sending !== '' || this.#isBroken) return;
    const text = this.#waiting;
    this.#waiting = '';
    try {
      writeSync(this.#fd, text);
    } catch {
      this.#droppedLines += countLines(text);
    }
  }

  #sendWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending !== '' || this.#waiting === '') return;
    this.#sending = this.#waiting;
    this.#waiting = '';
    this.#send(this.#sending, (error) => this.#sent(error));
  }

  #sent(error: Error | null | undefined): void {
    if (error) {
      this.#isBroken = true;
      this.#droppedLines += countLines(this.#sending) + countLines(this.#waiting);
      this.#waiting = '';
    }
    this.#sending = '';
    if (this.#waiting !== '') this.#sendWaiting();
    else for (const resolve of this.#onSent.splice(0)) resolve();
  }
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** A disk may be slow, and `process.stdout` waits for it. */
function sendToFile(fd: number, text: string, done: (error?: Error | null) => void): void {
  const bytes = Buffer.from(text);
  const writeFrom = (start: number): void => {
    writeFile(fd, bytes, start, bytes.length - start, null, (error, written) => {
      if (error || start + written >= bytes.length) done(error);
      else writeFrom(start + written);
    });
  };
  writeFrom(0);
}

function sendTo(stream: StandardStream): Send {
  // Node.js makes writes to a terminal wait; one that is held by Ctrl-S would hold the process.
  if (stream.isTTY) handleOf(stream)?.setBlocking(false);
  return (text, done) => void stream.write(text, done);
}

interface Handle {
  setBlocking(isBlocking: boolean): void;
}

function handleOf(stream: StandardStream): Handle | undefined {
  // oxlint-disable-next-line no-underscore-dangle
  const handle: unknown = '_handle' in stream ? stream._handle : undefined;
  return isHandle(handle) ? handle : undefined;
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'setBlocking' in value;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}
