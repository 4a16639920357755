import cluster, { type Worker } from 'node:cluster';
import type { Readable } from 'node:stream';
import type { MetricsSnapshot } from '@memory-layer/shared/observability/metrics-sum';
import type { ApiProcess, Ended, StartOrder } from './api-process.ts';
import { closeLostConnections, type SentConnections } from './lost-connections.ts';
import { ProcessLink, type LinkHandlers } from './process-link.ts';

export interface ForkDeps {
  /** What the process asks of this one. */
  readonly answers: LinkHandlers['answers'];
  /** Of all processes of this service. */
  readonly sent: SentConnections;
  /** Takes whole lines of its log. */
  readonly onLines: (text: string) => void;
}

/** Starts this program again as one of several processes that share a port. Connections go to them in turn. */
export function forkProcess(order: StartOrder, env: Readonly<Record<string, string>>, deps: ForkDeps): ApiProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Lines of several processes in one pipe would be mixed where it is full: this process writes them all.
  cluster.setupPrimary({ serialization: 'advanced', stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  // By these it knows its place (process-place.ts); they are no settings.
  const worker = cluster.fork({
    ...env,
    API_PROCESS_NUMBER: String(order.number),
    API_PROCESS_LISTENS: order.listensWhenReady ? 'when-ready' : 'at-once',
  });
  closeLostConnections(worker.process, deps.sent);
  if (worker.process.stdout) forwardLines(worker.process.stdout, deps.onLines);
  return toApiProcess(order.number, worker, deps.answers);
}

function toApiProcess(number: number, worker: Worker, answers: LinkHandlers['answers']): ApiProcess {
  const begun = Promise.withResolvers<'started' | Ended>();
  const ended = Promise.withResolvers<Ended>();
  let last: MetricsSnapshot = [];
  let isEnding = false;
  const link = new ProcessLink(
    {
      send: (message, onSent) => {
        // An error is that it has ended, which is seen below.
        if (worker.isConnected()) worker.process.send(message, () => onSent());
        else onSent();
      },
      onMessage: (listener) => void worker.on('message', listener),
    },
    {
      answers,
      onNotice(notice) {
        if (notice.notice === 'started') begun.resolve('started');
        if (notice.notice !== 'ending') return;
        isEnding = true;
        last = notice.snapshot;
      },
    },
  );
  worker.on('error', () => undefined);
  // Not when it exits: what it said last may still be on its way then.
  worker.process.once('close', (code: number | null, signal: NodeJS.Signals | null) => {
    isEnding = true;
    begun.resolve({ code, signal });
    ended.resolve({ code, signal });
  });
  return {
    number,
    pid: worker.process.pid,
    begun: begun.promise,
    ended: ended.promise,
    get metrics() {
      return last;
    },
    async refresh() {
      const snapshot = await link.snapshot().catch(() => undefined);
      // Its last words may have come meanwhile.
      if (snapshot !== undefined && !isEnding) last = snapshot;
    },
    problem: () => link.problem(),
    retire: () => void link.notify({ notice: 'retire' }),
    kill: (signal) => void worker.process.kill(signal),
  };
}

/** Passes on what ends with a line's end, and the rest with the lines that follow. */
function forwardLines(stream: Readable, onLines: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n') + 1;
    if (end > 0) onLines(rest + chunk.slice(0, end));
    rest = end > 0 ? chunk.slice(end) : rest + chunk;
  });
  stream.on('end', () => {
    if (rest !== '') onLines(`${rest}\n`);
  });
}
