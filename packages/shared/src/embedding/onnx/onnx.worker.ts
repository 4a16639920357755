import os from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import {
  type FromWorker,
  type OnnxOutput,
  type OnnxTask,
  onnxWorkerDataSchema,
  type ToWorker,
} from './onnx-protocol.ts';
import { buffersOf, packRows, packVectors, unpackRows } from './packed-rows.ts';
import { SentenceSession } from './sentence-session.ts';
import { splitTexts } from './split-texts.ts';
import { TextTokenizer } from './text-tokenizer.ts';

if (!parentPort) throw new Error('onnx.worker runs as a worker thread');
const port = parentPort;
const { files, niceness } = onnxWorkerDataSchema.parse(workerData);

// Elsewhere than on Linux the call would set the whole process's priority, not this thread's.
if (niceness > 0 && process.platform === 'linux') os.setPriority(niceness);

const [tokenizer, session] = await Promise.all([TextTokenizer.load(files), SentenceSession.load(files)]);

type SentenceTask = Exclude<OnnxTask, { readonly kind: 'score' }>;
type SentenceOutput = Exclude<OnnxOutput, { readonly kind: 'score' }>;

async function perform(task: SentenceTask): Promise<SentenceOutput> {
  switch (task.kind) {
    case 'tokenise':
      return { kind: 'tokenise', rows: packRows(task.texts.map((text) => tokenizer.encode(text))) };
    case 'split':
      return { kind: 'split', ...splitTexts(task.texts, task.prefix, tokenizer) };
    case 'infer':
      return { kind: 'infer', vectors: packVectors(await session.embed(unpackRows(task.rows))) };
  }
}

function postDone(output: SentenceOutput): void {
  const message: FromWorker = { type: 'done', output };
  port.postMessage(message, buffersOf(output.kind === 'infer' ? output.vectors : output.rows));
}

function post(message: FromWorker): void {
  port.postMessage(message);
}

async function receive(message: ToWorker): Promise<void> {
  if (message.kind === 'stop') {
    await session.release();
    // With its port closed the thread has nothing to wait for and ends by itself.
    port.close();
    return;
  }
  try {
    if (message.kind === 'score') throw new Error('a sentence model does not score pairs');
    postDone(await perform(message));
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

let tail = Promise.resolve();
port.on('message', (message: ToWorker) => {
  tail = tail.then(() => receive(message));
});
post({ type: 'ready' });
