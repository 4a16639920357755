import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../onnx/onnx-protocol.ts';
import { packRows, packVectors, unpackRows } from '../onnx/packed-rows.ts';

/** A worker that speaks the protocol without a model: a row of ids [n, ...] gives the vector [n, thread's task count]. */
let tasks = 0;

function answer(message: ToWorker): FromWorker | undefined {
  switch (message.kind) {
    case 'stop':
      parentPort?.close();
      return undefined;
    case 'tokenise':
      // "7 x x" becomes [7, 0, 0].
      return { type: 'done', output: { kind: 'tokenise', rows: packRows(message.texts.map(tokenise)) } };
    case 'split':
      return { type: 'done', output: { kind: 'split', ...split(message.texts, message.prefix) } };
    case 'infer': {
      const firsts = unpackRows(message.rows).map((row) => row[0] ?? 0);
      if (firsts.includes(666)) throw new Error('the thread broke');
      if (firsts.includes(400)) return { type: 'failed', message: 'bad row' };
      const vectors = packVectors(firsts.map((first) => Float32Array.of(first, tasks)));
      return { type: 'done', output: { kind: 'infer', vectors } };
    }
    case 'score':
      return { type: 'failed', message: 'no pairs here' };
  }
}

/** Passages are parted by a bar; a text with an exclamation mark cannot be split. */
function split(texts: readonly string[], prefix: string) {
  const passages = texts.map((text) => (text.includes('!') ? [] : text.split('|')));
  return {
    texts: texts.map((text, index) => (text.includes('!') ? { problem: 'no' } : { passages: passages[index] ?? [] })),
    rows: packRows(passages.flat().map((passage) => tokenise(`${prefix}${passage}`))),
  };
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
