/** Embedding throughput: the embed worker beside a bare ONNX Runtime loop: `pnpm bench:embedding --help`. */
import { availableParallelism } from 'node:os';
import { readOptions } from '../harness/options.ts';
import { makeFolder, runRows } from '../harness/report.ts';
import { createStack } from '../harness/stack.ts';
import { fairness } from './fairness.ts';
import { throughput } from './throughput.ts';
import { startWorker } from './worker.ts';

const about = `Embedding throughput: the embed worker beside a bare ONNX Runtime loop, in turns.

  pnpm bench:embedding [options]

The loop's threads tokenise all texts and take batches of one length until none is left. The worker, a process of its
own, is timed from the first job to the last committed vector. All texts differ, so no cache helps.`;

const options = readOptions(about, {
  model: { text: 'bundled', help: 'or a folder in the layout that transformers.js reads' },
  dimension: { number: 384, help: "of the folder's model" },
  texts: { text: undefined, help: 'chat file in a format of bench/retrieval; invented turns without it' },
  messages: { number: 6000, help: 'how many texts' },
  tenants: { number: 100, help: 'over how many tenants they are spread' },
  stored: { number: 0, help: 'all for one tenant that has so many vectors already, with their index' },
  rounds: { number: 3, help: 'how often loop and worker take turns; medians are compared' },
  threads: { number: availableParallelism(), help: 'sessions of the loop and of the worker' },
  nice: { number: 15, help: 'niceness of those threads, in the loop and in the worker' },
  tokenBudget: { number: 512, help: 'largest batch of the loop, in tokens' },
  probes: { number: 40, help: 'messages of a second tenant timed alone, then during a flood; 0 for none' },
  workerEnv: { list: [], help: 'NAME=VALUE, a variable for the worker; may be repeated' },
  out: { text: undefined, help: 'folder for embedding.json and logs; a new temporary one without it' },
});

const folder = await makeFolder(options.out, 'embedding');
await using stack = await createStack(folder);
await using worker = await startWorker(stack, options);
await runRows('embedding', options.probes === 0 ? [throughput] : [throughput, fairness], {
  stack,
  folder,
  options,
  worker,
});
