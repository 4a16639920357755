import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import { SentenceSession } from '@memory-layer/shared/embedding/onnx/sentence-session';
import { TextTokenizer } from '@memory-layer/shared/embedding/onnx/text-tokenizer';

/** Token ids of all texts end to end, and which texts make a batch; shared by the threads of the loop. */
export interface SharedWork {
  readonly ids: Int32Array;
  /** Where the ids of text n begin; one more entry than texts. */
  readonly starts: Int32Array;
  readonly batches: readonly (readonly number[])[];
  /** Next batch that nobody has taken. */
  readonly next: Int32Array;
}

export type BareTask =
  | { readonly kind: 'tokenise'; readonly texts: readonly string[] }
  | { readonly kind: 'infer'; readonly work: SharedWork }
  | { readonly kind: 'stop' };

export type BareAnswer = { readonly rows: readonly Int32Array[] } | { readonly vectors: number };

if (!parentPort) throw new Error('bare-loop.worker runs as a worker thread');
const port = parentPort;
// Its parent is bare-loop.ts, which sends nothing else.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { files, niceness } = workerData as { readonly files: OnnxModelFiles; readonly niceness: number };
if (process.platform === 'linux') os.setPriority(niceness);
const [tokenizer, session] = await Promise.all([TextTokenizer.load(files), SentenceSession.load(files)]);

async function infer({ ids, starts, batches, next }: SharedWork): Promise<number> {
  let vectors = 0;
  for (;;) {
    const batch = batches[Atomics.add(next, 0, 1)];
    if (batch === undefined) return vectors;
    const rows = batch.map((text) => ids.slice(starts[text], starts[text + 1]));
    vectors += (await session.embed(rows)).length;
  }
}

async function perform(task: BareTask): Promise<void> {
  if (task.kind === 'stop') {
    await session.release();
    port.close();
  } else if (task.kind === 'tokenise') {
    port.postMessage({ rows: task.texts.map((text) => tokenizer.encode(text)) } satisfies BareAnswer);
  } else {
    port.postMessage({ vectors: await infer(task.work) } satisfies BareAnswer);
  }
}

port.on('message', (task: BareTask) => void perform(task));
port.postMessage('ready');
