import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../onnx/onnx-protocol.ts';

/** A worker that speaks the protocol without a model: a row of ids [n, ...] gives the vector [n, thread's task count]. */
let tasks = 0;

function answer(message: ToWorker): FromWorker | undefined {
  switch (message.kind) {
    case 'stop':
      parentPort?.close();
      return undefined;
    case 'tokenise':
      // "7 x x" becomes [7, 0, 0].
      return { type: 'done', output: { kind: 'tokenise', rows: message.texts.map(tokenise) } };
    case 'split':
      return { type: 'done', output: { kind: 'split', passages: [message.text] } };
    case 'infer': {
      if (message.rows.some((row) => row[0] === 666)) throw new Error('the thread broke');
      if (message.rows.some((row) => row[0] === 400)) return { type: 'failed', message: 'bad row' };
      return {
        type: 'done',
        output: { kind: 'infer', vectors: message.rows.map((row) => Float32Array.of(row[0] ?? 0, tasks)) },
      };
    }
  }
}

function tokenise(text: string): Int32Array {
  const [first = '0', ...rest] = text.split(' ');
  return Int32Array.of(Number(first), ...rest.map(() => 0));
}

parentPort?.on('message', (message: ToWorker) => {
  tasks += 1;
  const reply = answer(message);
  if (reply) parentPort?.postMessage(reply);
});
parentPort?.postMessage({ type: 'ready' } satisfies FromWorker);
