import { parentPort, workerData } from 'node:worker_threads';
import {
  type FromWorker,
  onnxWorkerDataSchema,
  type ToWorker,
} from '@memory-layer/shared/embedding/onnx/onnx-protocol';
import { PairSession } from './pair-session.ts';
import { PairTokenizer } from './pair-tokenizer.ts';

if (!parentPort) throw new Error('cross-encoder.worker runs as a worker thread');
const port = parentPort;
const { files } = onnxWorkerDataSchema.parse(workerData);
const [tokenizer, session] = await Promise.all([PairTokenizer.load(files), PairSession.load(files)]);

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
    if (message.kind !== 'score') throw new Error(`a cross-encoder cannot ${message.kind}`);
    const scores = await session.score(tokenizer.encode(message.query, message.texts));
    post({ type: 'done', output: { kind: 'score', scores } });
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

let tail = Promise.resolve();
port.on('message', (message: ToWorker) => {
  tail = tail.then(() => receive(message));
});
post({ type: 'ready' });
