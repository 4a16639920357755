import os from 'node:os';
import { bundledModel } from '@memory-layer/shared/embedding/bundled/bundled-model';
import { prepareBundledModel } from '@memory-layer/shared/embedding/bundled/prepare-bundled-model';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';
import { BareLoop } from './bare-loop.ts';
import { measureFairness, type Fairness } from './fairness.ts';
import { median, rounded } from './median.ts';
import { chatTurns } from './texts.ts';
import { WorkerUnderTest, type WorkerRound } from './worker-under-test.ts';

export interface BenchOptions {
  readonly model: string;
  readonly dimension: number;
  readonly textsFile: string | undefined;
  readonly messages: number;
  readonly tenants: number;
  readonly stored: number;
  readonly rounds: number;
  readonly threads: number;
  readonly niceness: number;
  readonly tokenBudget: number;
  readonly probes: number;
  readonly built: boolean;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly cacheDir: string;
  readonly workerEnv: Readonly<Record<string, string>>;
  readonly logFile: string | undefined;
  readonly nodeOptions: readonly string[];
}

export interface Report {
  readonly rounds: readonly Readonly<Record<string, number>>[];
  readonly summary: {
    readonly model: string;
    readonly messages: number;
    readonly tenants: number;
    readonly stored: number;
    readonly threads: number;
    readonly barePerSecond: number;
    readonly workerPerSecond: number;
    readonly ratio: number;
    /** The same by CPU time, which says more when others use the machine. */
    readonly cpuRatio: number;
    readonly cpuMsPerMessage: WorkerRound['cpuMsPerMessage'];
    readonly fairness: Fairness | undefined;
    readonly loadBefore: readonly number[];
    readonly loadAfter: readonly number[];
    readonly node: string;
  };
}

interface Round {
  readonly bareSeconds: number;
  /** CPU that the loop took for a text. */
  readonly bareCpuMs: number;
  readonly worker: WorkerRound;
}

/** The ratio by CPU taken instead of time passed: what would be reached if nobody else used the machine. */
function cpuRatio({ bareCpuMs, worker }: Round): number {
  const spent = worker.cpuMsPerMessage;
  if (spent === undefined) return Number.NaN;
  return bareCpuMs / (spent.workerMain + spent.workerThreads + spent.postgres + spent.redis);
}

async function modelFiles({ model, cacheDir }: BenchOptions): Promise<OnnxModelFiles> {
  if (model !== 'bundled') {
    return { folder: model, onnxFile: 'onnx/model_quantized.onnx', maxTokens: 256, collapseWhitespace: false };
  }
  const { folder, maxTokens } = await prepareBundledModel({ cacheDir });
  return { folder, onnxFile: bundledModel.onnxFile, maxTokens, collapseWhitespace: true };
}

/** Runs the loop and the worker in turn, then the second tenant's probes. */
export async function runBench(options: BenchOptions): Promise<Report> {
  const loadBefore = os.loadavg();
  const texts = await chatTurns(options.messages, options.textsFile);
  const warmUp = texts.slice(0, Math.ceil(texts.length / 2));
  const bare = await BareLoop.start({ files: await modelFiles(options), ...options });
  const worker = await WorkerUnderTest.start(options);
  try {
    await worker.store();
    await bare.embed(warmUp);
    await worker.embed(warmUp.map((text) => `${text} Again.`));
    await worker.untilIndexed();
    const rounds: Round[] = [];
    for (let round = 0; round < options.rounds; round += 1) {
      // Other words in each round: a cache that remembers the last one must not help.
      const fresh = texts.map((text) => `${text} ${round}`);
      const before = process.cpuUsage();
      const bareSeconds = await bare.embed(fresh);
      const { user, system } = process.cpuUsage(before);
      const bareCpuMs = (user + system) / 1000 / texts.length;
      rounds.push({ bareSeconds, bareCpuMs, worker: await worker.embed(fresh) });
      console.error(
        `round ${round + 1}: bare ${bareSeconds.toFixed(2)} s, worker ${rounds.at(-1)?.worker.seconds.toFixed(2)} s`,
      );
    }
    const fairness = options.probes === 0 ? undefined : await measureFairness(worker, texts, options.probes);
    return summarise(options, rounds, fairness, loadBefore);
  } finally {
    await worker.stop();
    await bare.stop();
  }
}

function summarise(
  { model, messages, tenants, stored, threads }: BenchOptions,
  rounds: readonly Round[],
  fairness: Fairness | undefined,
  loadBefore: readonly number[],
): Report {
  const barePerSecond = median(rounds.map((round) => messages / round.bareSeconds));
  const workerPerSecond = median(rounds.map((round) => messages / round.worker.seconds));
  return {
    rounds: rounds.map((round) => ({
      barePerSecond: rounded(messages / round.bareSeconds),
      workerPerSecond: rounded(messages / round.worker.seconds),
      ratio: rounded(round.bareSeconds / round.worker.seconds),
      cpuRatio: rounded(cpuRatio(round)),
      bareCpuMs: rounded(round.bareCpuMs),
      ...round.worker.cpuMsPerMessage,
    })),
    summary: {
      model,
      messages,
      tenants,
      stored,
      threads,
      barePerSecond: rounded(barePerSecond),
      workerPerSecond: rounded(workerPerSecond),
      ratio: rounded(workerPerSecond / barePerSecond),
      cpuRatio: rounded(median(rounds.map(cpuRatio))),
      cpuMsPerMessage: rounds.at(-1)?.worker.cpuMsPerMessage,
      fairness,
      loadBefore,
      loadAfter: os.loadavg(),
      node: process.version,
    },
  };
}
