/** The thread of the engine: opens it, and hands what clients send to the multiplexer. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

import { openCluster, type StartStep } from './engine/open-cluster.ts';
import type { PostgresEngine } from './engine/postgres-engine.ts';
import { startMaintenance } from './maintenance/start-maintenance.ts';
import { Multiplexer } from './scheduler/multiplexer.ts';
import type { ClientSession } from './session/client-session.ts';
import type { EngineThreadData, FromEngine, ToEngine } from './thread-messages.ts';

function serve(port: MessagePort, engine: PostgresEngine, data: EngineThreadData): void {
  const { idleInTransactionTimeoutMs, cancelKey } = data;
  const clients = new Map<number, ClientSession>();
  const post = (message: FromEngine, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const onCrash = endThread(engine);
  const multiplexer = new Multiplexer(engine.wire, { idleInTransactionTimeoutMs, cancelKey, onCrash });
  const maintenance = startMaintenance(multiplexer);

  const connect = (client: number): void => {
    const send = (bytes: Uint8Array<ArrayBuffer>): void => post({ kind: 'data', client, bytes }, [bytes.buffer]);
    const end = (): void => {
      clients.delete(client);
      post({ kind: 'end', client });
    };
    clients.set(client, multiplexer.connect({ send, end }));
  };
  const dump = async (request: number): Promise<void> => {
    try {
      const tarball = await multiplexer.runBetweenTransactions((sql) => {
        sql('CHECKPOINT');
        return engine.dump();
      });
      post({ kind: 'dumped', request, tarball }, [tarball.buffer]);
    } catch (error) {
      post({ kind: 'dump-failed', request, message: String(error) });
    }
  };
  const stop = async (): Promise<void> => {
    maintenance.stop();
    await multiplexer.stop();
    await engine.close();
    post({ kind: 'stopped' });
  };

  port.on('message', (message: ToEngine) => {
    if (message.kind === 'connect') connect(message.client);
    else if (message.kind === 'data') clients.get(message.client)?.receive(message.bytes);
    else if (message.kind === 'finish') clients.get(message.client)?.finish();
    else if (message.kind === 'disconnect') clients.get(message.client)?.close();
    else if (message.kind === 'dump') void dump(message.request);
    else void stop();
  });
  post({ kind: 'ready', running: engine.wire.running.shared });
}

/** Ends the thread with the error, outside of promises: the main thread gets it as the worker's `error` event. */
function endThread(engine: PostgresEngine): (error: unknown) => void {
  return (error) => {
    setImmediate(() => {
      throw new Error([String(error), engine.logTail].filter((line) => line !== '').join('\n'), { cause: error });
    });
  };
}

if (!parentPort) throw new Error('the engine of the embedded database runs in a worker thread only');
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- EngineThread alone starts this, and types what it passes
const data = workerData as EngineThreadData;
const port = parentPort;
const reportStep = (step: StartStep): void => port.postMessage({ kind: 'step', step } satisfies FromEngine);
serve(port, await openCluster(data, reportStep), data);
