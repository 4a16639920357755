import { bundledModel } from '@memory-layer/shared/embedding/bundled/bundled-model';
import { prepareBundledModel } from '@memory-layer/shared/embedding/bundled/prepare-bundled-model';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import { mixTurns, readChatFile } from '../harness/chats.ts';
import { cpuSecondsOfMainThread } from '../harness/process-use.ts';
import { alternate, atLeast, baselineMedian, productMedian, ratioOf, type Row } from '../harness/rounds.ts';
import { measureUse, type Sample } from '../harness/sample.ts';
import type { Stack } from '../harness/stack.ts';
import { BareLoop } from './bare-loop.ts';
import * as pending from './pending-messages.ts';
import { storeVectors, type EmbeddingBench, type EmbeddingOptions } from './worker.ts';

const largeTenant = 'large';

/** How much of what the model can do alone is left when a database and a queue are around it? */
export const throughput: Row<EmbeddingBench> = {
  name: 'throughput',
  what: 'the embed worker, from the first job to the last committed vector',
  baseline: 'bare ONNX Runtime loop, sessions of one thread, texts sorted by length',
  async measure(bench) {
    const { stack, options, worker } = bench;
    const texts = await readTexts(options);
    const loop = await BareLoop.start({ files: await modelFiles(stack, options), ...options, niceness: options.nice });
    if (options.stored > 0) await storeVectors(stack, `${largeTenant}-0`, worker.generation, options.stored);
    // Other words in each round: a cache that remembers the last one must not help.
    const fresh = (round: number): string[] => texts.map((text) => `${text} ${round}`);
    const pairs = await alternate(
      options.rounds,
      (round) => sampleLoop(stack, loop, fresh(round)),
      (round) => sampleWorker(bench, fresh(round), round),
    );
    await loop.stop();
    const cpuOfLoop = baselineMedian(pairs, ({ cpuUsPerItem }) => cpuUsPerItem['loop'] ?? Number.NaN);
    const cpuOfWorker = productMedian(pairs, ({ cpuUsPerItem: used }) => {
      return (used['embed-worker'] ?? Number.NaN) + (used['postgres'] ?? 0) + (used['redis'] ?? 0);
    });
    return {
      pairs,
      // Says more when others use the machine.
      notes: [`ratio by CPU instead of time: ${(cpuOfLoop / cpuOfWorker).toFixed(3)}`],
      checks: [atLeast('ratio of messages/s', ratioOf(pairs), options.stored > 0 ? 0.6 : 0.85)],
    };
  },
};

async function modelFiles({ modelCacheDir: cacheDir }: Stack, { model }: EmbeddingOptions): Promise<OnnxModelFiles> {
  if (model !== 'bundled') {
    return { folder: model, onnxFile: 'onnx/model_quantized.onnx', maxTokens: 256, collapseWhitespace: false };
  }
  const { folder, maxTokens } = await prepareBundledModel({ cacheDir });
  return { folder, onnxFile: bundledModel.onnxFile, maxTokens, collapseWhitespace: true };
}

async function sampleLoop(stack: Stack, loop: BareLoop, texts: readonly string[]): Promise<Sample> {
  return measureUse(stack, [], async () => {
    const before = process.cpuUsage();
    const seconds = await loop.embed(texts);
    const { user, system } = process.cpuUsage(before);
    return { items: texts.length, perSecond: texts.length / seconds, cpuSeconds: { loop: (user + system) / 1e6 } };
  });
}

/** Has the texts embedded as messages that have just been stored. */
async function sampleWorker(bench: EmbeddingBench, texts: readonly string[], round: number): Promise<Sample> {
  const { stack, options, worker } = bench;
  const { db } = stack;
  const { process, producer, generation } = worker;
  await pending.clear(db);
  const [prefix, tenants] = options.stored > 0 ? [largeTenant, 1] : [`r${round}`, options.tenants];
  const messages = pending.spread(texts, tenants, prefix);
  await pending.storePending(db, generation, messages);
  const sample = await measureUse(stack, [process], async () => {
    const mainThread = cpuSecondsOfMainThread(process.pid);
    const startedAt = performance.now();
    const tenantIds = messages.map((message) => message.tenantId);
    await Promise.all([pending.enqueueFor(producer, generation, tenantIds), pending.untilEmbedded(db)]);
    return {
      items: texts.length,
      perSecond: (texts.length * 1000) / (performance.now() - startedAt),
      cpuSeconds: { 'its main thread': cpuSecondsOfMainThread(process.pid) - mainThread },
    };
  });
  await pending.expectVectors(db, texts.length);
  return sample;
}

const openings = ['Hey', 'Wow', 'Honestly', 'By the way', 'You know what', 'Oh no', 'That sounds great', 'So'];
const subjects = ['my sister', 'the neighbour', 'our old teacher', 'the dog', 'my boss', 'a friend from Porto', 'I'];
const verbs = ['finally booked', 'almost forgot', 'was talking about', 'really liked', 'had to cancel', 'painted'];
const objects = [
  'the trip to the coast',
  'that camping weekend',
  'the piano lesson',
  'a birthday cake',
  'the new flat',
];
const endings = [
  'and it took the whole afternoon.',
  "but I'm not sure it was worth it!",
  'What do you think?',
  'Let me know when you are free, maybe next Friday or the week after?',
];

const pick = (from: readonly string[], seed: number): string => from[Math.abs(seed) % from.length] ?? '';

/** A turn of one to four sentences, a different one for every number. */
function inventedTurn(n: number): string {
  const sentences = Array.from({ length: 1 + ((n * 7) % 4) }, (_, part) => {
    const seed = n * 31 + part * 17;
    const words = [pick(openings, seed), pick(subjects, seed >> 1), pick(verbs, seed >> 2), pick(objects, seed >> 3)];
    return `${words.join(' ')} ${pick(endings, seed >> 4)}`;
  });
  return `${sentences.join(' ')} (${n})`;
}

/** Chat turns, each different. */
export async function readTexts({ texts: file, messages }: EmbeddingOptions): Promise<string[]> {
  if (file !== undefined) return mixTurns(await readChatFile(file), messages);
  return Array.from({ length: messages }, (_, n) => inventedTurn(n));
}
