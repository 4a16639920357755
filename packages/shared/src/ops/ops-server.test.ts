import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { defaultConnectionLimits } from '../http/connection-limits.ts';
import { Readiness } from '../lifecycle/readiness.ts';
import { createMetrics } from '../observability/metrics.ts';
import { OpsServer } from './ops-server.ts';

const limits = {
  ...defaultConnectionLimits,
  maxConnections: 3,
  headersTimeoutMs: 200,
  keepAliveTimeoutMs: 200,
  stallTimeoutMs: 200,
};

let port: number;
let ops: OpsServer;
const sockets: Socket[] = [];
beforeEach(async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === 'string') throw new Error('no port was bound');
  ({ port } = address);
  ops = new OpsServer(
    { host: '127.0.0.1', port },
    { readiness: new Readiness(), needed: [], metrics: createMetrics() },
    limits,
  );
  await ops.start();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await ops.stop();
});

function open(text: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  socket.write(text);
  sockets.push(socket);
  return socket;
}

test.each(['G', 'GET /livez HTTP/1.1\r\nhost: x\r\n', 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n'])(
  'a connection that sends %j and no more is closed',
  async (text) => {
    expect(await once(open(text), 'end')).toEqual([]);
  },
);

test('probes are answered however many connections wait', async () => {
  for (let n = 0; n < 20; n += 1) open('G');
  for (const [path, status] of [
    ['/livez', 200],
    ['/readyz', 503],
    ['/metrics', 200],
    ['/nowhere', 404],
  ] as const) {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    await answer.text();
  }
});
