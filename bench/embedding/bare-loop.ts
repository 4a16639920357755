import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { planBatches } from '@memory-layer/shared/embedding/onnx/batch-plan';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import type { BareAnswer, BareTask, SharedWork } from './bare-loop.worker.ts';

export interface BareLoopOptions {
  readonly files: OnnxModelFiles;
  readonly threads: number;
  readonly niceness: number;
  readonly tokenBudget: number;
}

/**
 * The baseline: nothing but the model. Threads with a session each tokenise all texts, then take batches of texts
 * of one length until none is left. No queue, no database, no message for a batch.
 */
export class BareLoop {
  readonly #threads: readonly Worker[];
  readonly #tokenBudget: number;

  private constructor(threads: readonly Worker[], tokenBudget: number) {
    this.#threads = threads;
    this.#tokenBudget = tokenBudget;
  }

  static async start({ files, threads, niceness, tokenBudget }: BareLoopOptions): Promise<BareLoop> {
    const script = new URL('./bare-loop.worker.ts', import.meta.url);
    const started = Array.from({ length: threads }, () => new Worker(script, { workerData: { files, niceness } }));
    await Promise.all(started.map((thread) => once(thread, 'message')));
    return new BareLoop(started, tokenBudget);
  }

  /** @returns seconds from the texts to the last vector. */
  async embed(texts: readonly string[]): Promise<number> {
    const started = performance.now();
    const count = this.#threads.length;
    const shares = await Promise.all(
      this.#threads.map((thread, own) =>
        this.#ask(thread, { kind: 'tokenise', texts: texts.filter((_, n) => n % count === own) }),
      ),
    );
    const work = share(shares, texts.length, this.#tokenBudget);
    const done = await Promise.all(this.#threads.map((thread) => this.#ask(thread, { kind: 'infer', work })));
    const vectors = done.reduce((sum, answer) => sum + ('vectors' in answer ? answer.vectors : 0), 0);
    if (vectors !== texts.length) throw new Error(`${vectors} vectors of ${texts.length} texts`);
    return (performance.now() - started) / 1000;
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#threads.map(async (thread) => {
        const exited = once(thread, 'exit');
        thread.postMessage({ kind: 'stop' } satisfies BareTask);
        await exited;
      }),
    );
  }

  async #ask(thread: Worker, task: BareTask): Promise<BareAnswer> {
    const answered = once(thread, 'message');
    thread.postMessage(task);
    // The worker's script says what it answers.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const [answer] = (await answered) as [BareAnswer];
    return answer;
  }
}

function share(shares: readonly BareAnswer[], texts: number, tokenBudget: number): SharedWork {
  const rowOf = (text: number): Int32Array => {
    const answer = shares[text % shares.length];
    const row = answer && 'rows' in answer ? answer.rows[Math.floor(text / shares.length)] : undefined;
    if (!row) throw new Error(`text ${text} was not tokenised`);
    return row;
  };
  const rows = Array.from({ length: texts }, (_, text) => rowOf(text));
  const lengths = rows.map((row) => row.length);
  const starts = sharedInts(texts + 1);
  lengths.forEach((length, text) => (starts[text + 1] = (starts[text] ?? 0) + length));
  const ids = sharedInts(starts[texts] ?? 0);
  rows.forEach((row, text) => ids.set(row, starts[text]));
  return { ids, starts, batches: planBatches(lengths, tokenBudget), next: sharedInts(1) };
}

function sharedInts(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(length * Int32Array.BYTES_PER_ELEMENT));
}
