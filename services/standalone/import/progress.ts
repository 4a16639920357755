import type { ImportOutcome } from './import-client.ts';
import type { ImportFile } from './import-file.ts';

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const shownErrors = 20;
const [terminalMs, logMs] = [200, 10_000];

/** Draws how far an import is: on a terminal as a line that is written over, elsewhere as a line now and then. */
export class Progress {
  readonly #file: ImportFile;
  readonly #output: ProgressOutput;
  readonly #counts = { stored: 0, duplicate: 0, skipped: 0, error: 0, mapped: 0, summary: 0 };
  #sentBytes = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(file: ImportFile, output: ProgressOutput) {
    this.#file = file;
    this.#output = output;
  }

  get errors(): number {
    return this.#counts.error;
  }

  sent(bytes: number): void {
    this.#sentBytes = bytes;
    this.#draw();
  }

  outcome({ status, line, pointer, detail }: ImportOutcome): void {
    this.#counts[status] += 1;
    if (status === 'error' && this.#counts.error <= shownErrors) {
      const place = [line === undefined ? '' : `line ${line}`, pointer ?? ''].filter(Boolean).join(' ');
      this.say(`${this.#file.name}: ${place}: ${detail ?? 'error'}`);
      if (this.#counts.error === shownErrors) this.say('Further errors are counted only.');
    }
    this.#draw();
  }

  /** A line of its own. */
  say(text: string): void {
    this.#output.write(`${this.#output.isTTY === true ? '\r\u001b[2K' : ''}${text}\n`);
  }

  end(): void {
    this.say(this.#text());
  }

  #draw(): void {
    const isTerminal = this.#output.isTTY === true;
    const now = performance.now();
    if (now - this.#drawnAt < (isTerminal ? terminalMs : logMs)) return;
    // The first line of a log would say nothing.
    if (isTerminal) this.#output.write(`\r\u001b[2K${this.#text()}`);
    else if (this.#drawnAt !== Number.NEGATIVE_INFINITY) this.say(this.#text());
    this.#drawnAt = now;
  }

  #text(): string {
    const { stored, duplicate, skipped, error, mapped } = this.#counts;
    const share = this.#file.bytes === 0 ? 100 : Math.floor((this.#sentBytes * 100) / this.#file.bytes);
    const counts = `${stored} stored, ${duplicate} there before, ${skipped} skipped, ${error} with errors`;
    return `${this.#file.name}: ${share} % read, ${mapped > 0 ? `${mapped} shown` : counts}`;
  }
}
