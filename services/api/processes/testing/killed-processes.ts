import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeLostConnections, type SentConnections } from '../lost-connections.ts';

// A program of its own: two processes share a port, and one after the other is killed while clients connect. It prints
// how many were killed, and how many clients waited for ever.

const killedProcesses = 12;
// So many clients were served at least, however slow the machine is.
const answeredClients = 200;
const patienceMs = 2000;
const sent: SentConnections = new WeakMap();

if (cluster.isWorker) {
  createServer((_request, response) => void response.end('here')).listen(Number(process.env['TEST_PORT']), '127.0.0.1');
} else {
  await killUnderLoad();
}

async function killUnderLoad(): Promise<void> {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // Not 0: when all processes were killed at once, the next one would get another one.
  const port = await freePort();
  const start = (): void => {
    const worker = cluster.fork({ TEST_PORT: String(port) });
    closeLostConnections(worker.process, sent);
  };
  start();
  start();
  await new Promise<void>((resolve) => void cluster.once('listening', () => resolve()));
  cluster.on('exit', start);
  const counts = { killed: 0, answered: 0, forgotten: 0 };
  const isOver = (): boolean => counts.killed >= killedProcesses && counts.answered >= answeredClients;
  const clients = Array.from({ length: 64 }, async () => {
    while (!isOver()) {
      const end = await callOnce(port);
      if (end !== 'lost') counts[end] += 1;
    }
  });
  while (!isOver()) {
    await sleep(150);
    const running = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
    if (running.length < 2 || counts.killed >= killedProcesses) continue;
    running[0]?.process.kill('SIGKILL');
    counts.killed += 1;
  }
  await Promise.all(clients);
  cluster.removeListener('exit', start);
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL');
  // A listener whose processes were all killed at once may stay open.
  // oxlint-disable-next-line unicorn/no-process-exit -- a program of its own
  process.stdout.write(JSON.stringify(counts), () => process.exit());
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Lost: the process that had the connection was killed, and the client has seen it end. */
function callOnce(port: number): Promise<'answered' | 'lost' | 'forgotten'> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const timer = setTimeout(() => {
      resolve('forgotten');
      socket.destroy();
    }, patienceMs);
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n'));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer.includes(' 200 OK') ? 'answered' : 'lost');
    });
  });
}
