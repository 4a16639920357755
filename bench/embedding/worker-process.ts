import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface WorkerProcessOptions {
  /** Runs the compiled service instead of its sources. */
  readonly built: boolean;
  readonly opsPort: number;
  readonly env: Readonly<Record<string, string>>;
  /** Where its log goes; undefined: nowhere. It is written all the same. */
  readonly logFile: string | undefined;
  /** Options for Node itself, such as `--cpu-prof`. */
  readonly nodeOptions: readonly string[];
}

const patienceMs = 60_000;

/** The embed worker as a release runs it: a process of its own, reached by PostgreSQL and Redis alone. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #opsPort: number;
  #errors = '';

  private constructor(child: ChildProcess, opsPort: number) {
    this.#child = child;
    this.#opsPort = opsPort;
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.#errors += chunk));
  }

  /** @throws when it is not ready within a minute. */
  static async start({ built, opsPort, env, logFile, nodeOptions }: WorkerProcessOptions): Promise<WorkerProcess> {
    const main = built ? '../../services/embed-worker/dist/main.js' : '../../services/embed-worker/main.ts';
    const condition = built ? [] : ['--conditions=memory-layer-source'];
    const args = [...condition, ...nodeOptions, fileURLToPath(new URL(main, import.meta.url))];
    const log = await open(logFile ?? devNull, 'w');
    const child = spawn(process.execPath, args, {
      env: { ...env, MEMORY_OPS_PORT: String(opsPort) },
      stdio: ['ignore', log.fd, 'pipe'],
    });
    await log.close();
    const worker = new WorkerProcess(child, opsPort);
    await worker.#ready();
    return worker;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      if (this.#child.exitCode !== null) throw new Error(`the embed worker ended: ${this.#errors}`);
      const answer = await fetch(`http://127.0.0.1:${this.#opsPort}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(100);
    }
    await this.stop();
    throw new Error(`the embed worker was not ready in time: ${this.#errors}`);
  }
}
