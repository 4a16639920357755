/**
 * Embedding throughput: the embed worker beside a bare ONNX Runtime loop, in the same run.
 *
 *   pnpm bench:embedding [options]
 *
 *   --model bundled|FOLDER     the bundled model, or a folder in the layout that transformers.js reads [bundled]
 *   --dimension N              of the folder's model [384]
 *   --texts FILE               a file in the format of LoCoMo; without it, invented chat turns
 *   --messages N --tenants N   how many texts, spread over how many tenants [6000, 100]
 *   --stored N                 all for one tenant that has N vectors already, with its index [0]
 *   --rounds N                 A B A B ...; medians of N rounds [3]
 *   --threads N                sessions of the loop and of the worker [one a core]
 *   --nice N                   niceness of those threads, in the loop and in the worker [15]
 *   --token-budget N           largest batch of the loop, in tokens [512]
 *   --probes N                 messages of a second tenant timed alone, then during a flood; 0 for none [40]
 *   --built                    runs dist/ of the worker (after `pnpm build`) instead of the sources
 *   --out FILE                 writes the figures as JSON
 *   --log FILE                 the worker's log, else it goes nowhere
 *   --database URL --redis URL [TEST_DATABASE_URL, TEST_REDIS_URL]
 *   --cache DIR                where the bundled model is converted to [./.cache/models]
 *   --worker-env NAME=VALUE    a variable for the worker; may be repeated
 *   --node-option OPTION       an option for the worker's node, such as --cpu-prof; may be repeated
 *
 * A: sessions of one thread tokenise all texts and take batches of one length until none is left.
 * B: from the first job to the last committed vector; the worker is a process of its own and runs idle
 * meanwhile. All texts differ, so no cache helps. Both are warmed up with half of the texts first.
 */
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { runBench } from './run-bench.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'bundled' },
    dimension: { type: 'string', default: '384' },
    texts: { type: 'string' },
    messages: { type: 'string', default: '6000' },
    tenants: { type: 'string', default: '100' },
    stored: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    nice: { type: 'string', default: '15' },
    'token-budget': { type: 'string', default: '512' },
    probes: { type: 'string', default: '40' },
    built: { type: 'boolean', default: false },
    out: { type: 'string' },
    log: { type: 'string' },
    database: { type: 'string', default: process.env['TEST_DATABASE_URL'] ?? '' },
    redis: { type: 'string', default: process.env['TEST_REDIS_URL'] ?? '' },
    cache: { type: 'string', default: './.cache/models' },
    'worker-env': { type: 'string', multiple: true, default: [] },
    'node-option': { type: 'string', multiple: true, default: [] },
  },
});

const report = await runBench({
  model: values.model,
  dimension: Number(values.dimension),
  textsFile: values.texts,
  messages: Number(values.messages),
  tenants: Number(values.stored) > 0 ? 1 : Number(values.tenants),
  stored: Number(values.stored),
  rounds: Number(values.rounds),
  threads: Number(values.threads),
  niceness: Number(values.nice),
  tokenBudget: Number(values['token-budget']),
  probes: Number(values.probes),
  built: values.built,
  databaseUrl: values.database,
  redisUrl: values.redis,
  cacheDir: values.cache,
  workerEnv: Object.fromEntries(
    values['worker-env'].map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  ),
  logFile: values.log,
  nodeOptions: values['node-option'],
});
console.table(report.rounds);
console.log(JSON.stringify(report.summary, null, 2));
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(report, null, 2)}\n`);
