import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runBesideServer } from './run-beside-server.ts';

const name = 'TEST_RUN_BESIDE_SERVER_URL';
const node = (script: string): string[] => [process.execPath, '-e', script];

/** A server that only records what is done with it. */
function fakeServer() {
  const events: string[] = [];
  const start = async () => {
    events.push('start');
    return { url: 'fake://server', stop: async () => void events.push('stop') };
  };
  return { events, start };
}

describe('runBesideServer', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('gives the command the address, returns its status, and stops the server', async () => {
    const { events, start } = fakeServer();
    const status = await runBesideServer(
      name,
      node(`process.exit(process.env.${name} === 'fake://server' ? 3 : 4)`),
      start,
    );
    expect(status).toBe(3);
    expect(events).toEqual(['start', 'stop']);
  });

  test('starts nothing when an address is given', async () => {
    vi.stubEnv(name, 'fake://given');
    const { events, start } = fakeServer();
    const status = await runBesideServer(
      name,
      node(`process.exit(process.env.${name} === 'fake://given' ? 3 : 4)`),
      start,
    );
    expect(status).toBe(3);
    expect(events).toEqual([]);
  });

  test('stops the server when the command does not exist', async () => {
    const { events, start } = fakeServer();
    await expect(runBesideServer(name, ['/no/such/command'], start)).rejects.toThrow('ENOENT');
    expect(events).toEqual(['start', 'stop']);
  });

  test('reports a command that was killed as a shell does', async () => {
    const { start } = fakeServer();
    expect(await runBesideServer(name, node(`process.kill(process.pid, 'SIGKILL')`), start)).toBe(137);
  });

  test('wants a command', async () => {
    const { events, start } = fakeServer();
    await expect(runBesideServer(name, [], start)).rejects.toThrow('Usage');
    expect(events).toEqual([]);
  });
});

/** Runs it in a process of its own, which can be sent a signal. */
function inProcess(start: string, command: string) {
  const module = new URL('run-beside-server.ts', import.meta.url).href;
  const script = `
    import { runBesideServer } from ${JSON.stringify(module)};
    const command = [process.execPath, '-e', ${JSON.stringify(command)}];
    process.exitCode = await runBesideServer('${name}', command, async (signal) => {
      ${start}
      return { url: 'fake://server', stop: async () => console.log('stopped') };
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, output: text(child.stdout), exited: once(child, 'exit') };
}

describe('a signal', () => {
  test('reaches the command, and the server ends after it', async () => {
    const command = `process.on('SIGTERM', () => { console.log('terminated'); process.exit(7); });
      setInterval(() => {}, 1000); process.kill(process.ppid, 'SIGTERM');`;
    const { output, exited } = inProcess('', command);
    expect(await exited).toEqual([7, null]);
    expect(await output).toBe('terminated\nstopped\n');
  });

  test('that comes while the server starts keeps the command from running', async () => {
    const start = `const busy = setInterval(() => {}, 1000);
      process.kill(process.pid, 'SIGTERM');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      clearInterval(busy);`;
    const { output, exited } = inProcess(start, `console.log('ran')`);
    expect(await exited).toEqual([143, null]);
    expect(await output).toBe('stopped\n');
  });
});
