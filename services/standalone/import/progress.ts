import type { ImportLineStatus } from '@memory-layer/shared/message/import-statuses';
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
  readonly #counts = new Map<ImportLineStatus, number>();
  #dueForArchive = 0;
  #sentBytes = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(file: ImportFile, output: ProgressOutput) {
    this.#file = file;
    this.#output = output;
  }

  get errors(): number {
    return this.#count('error', 'conflict');
  }

  sent(bytes: number): void {
    this.#sentBytes = bytes;
    this.#draw();
  }

  outcome({ status, line, pointer, detail, due_for_archive: due }: ImportOutcome): void {
    this.#counts.set(status, this.#count(status) + 1);
    if (status === 'end') this.#dueForArchive = due ?? 0;
    if ((status === 'error' || status === 'conflict') && this.errors <= shownErrors) {
      const place = [line === undefined ? '' : `line ${line}`, pointer ?? ''].filter(Boolean).join(' ');
      this.say(`${this.#file.name}: ${place}: ${detail ?? 'error'}`);
      if (this.errors === shownErrors) this.say('Further errors are only counted.');
    }
    this.#draw();
  }

  /** A line of its own. */
  say(text: string): void {
    this.#output.write(`${this.#output.isTTY === true ? '\r\u001b[2K' : ''}${text}\n`);
  }

  end(): void {
    this.say(this.#text());
    const due = this.#dueForArchive;
    if (due > 0) this.say(`The next retention run archives ${due} of the stored messages.`);
  }

  #count(...statuses: readonly ImportLineStatus[]): number {
    return statuses.reduce((sum, status) => sum + (this.#counts.get(status) ?? 0), 0);
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
    const share = this.#file.bytes === 0 ? 100 : Math.floor((this.#sentBytes * 100) / this.#file.bytes);
    const read = `${this.#file.name}: ${share} % read`;
    const mapped = this.#count('mapped');
    if (mapped > 0) return `${read}, ${mapped} shown`;
    const stored = this.#count('stored', 'updated');
    const known = this.#count('duplicate', 'archived');
    const skipped = this.#count('skipped', 'expired');
    return `${read}, ${stored} stored, ${known} there before, ${skipped} skipped, ${this.errors} with errors`;
  }
}
