import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { ConfigError } from '../config/load-config.ts';
import { apiAddressVariables, checkAddress, listen, opsAddressVariables } from './listen.ts';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

async function takePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was bound');
  return address.port;
}

test.each([
  ['MEMORY_PORT', apiAddressVariables],
  ['MEMORY_OPS_PORT', opsAddressVariables],
])('a port in use is a mistake in %s', async (name, variables) => {
  const port = await takePort();
  const line = `invalid configuration: ${name}: port ${port} of 127.0.0.1 is in use; stop what listens there or choose another`;
  const address = { host: '127.0.0.1', port, variables };
  await expect(checkAddress(address)).rejects.toThrow(new ConfigError(line));
  await expect(listen(createServer(), address)).rejects.toThrow(new ConfigError(line));
});

test('an address of another machine is a mistake in MEMORY_HOST', async () => {
  // Of TEST-NET-1, which no machine has (RFC 5737).
  const address = { host: '192.0.2.1', port: 0, variables: apiAddressVariables };
  const line = 'invalid configuration: MEMORY_HOST: 192.0.2.1 is no address of this machine';
  await expect(checkAddress(address)).rejects.toThrow(new ConfigError(line));
});

test('a port that was found free can be listened on', async () => {
  const port = await takePort();
  await new Promise((resolve) => servers.pop()?.close(resolve));
  const address = { host: '127.0.0.1', port, variables: apiAddressVariables };
  await checkAddress(address);
  const server = createServer();
  servers.push(server);
  await listen(server, address);
  expect(server.address()).toMatchObject({ port });
});
