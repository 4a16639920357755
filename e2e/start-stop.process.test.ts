import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '@memory-layer/shared/testing/eventually';
import { createApiClient } from './api-client.ts';
import { makeDataDir, spawnStandalone, startStandalone } from './standalone-process.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(env: Record<string, string> = {}) {
  const folder = await makeDataDir();
  cleanups.push(() => folder.remove());
  const server = await startStandalone({ dataDir: folder.path, env });
  cleanups.push(() => server.kill('SIGKILL'));
  return { folder, server, api: createApiClient(server) };
}

describe('start and stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s ends it cleanly, and its data is there at the next start',
    async (signal) => {
      const { folder, server, api } = await start();
      await api.post('/v1/messages', { tenant_id: 't', conversation_id: 'c', role: 'user', content: 'still here' });
      expect(await server.kill(signal)).toEqual({ code: 0, signal: null });
      const again = await startStandalone({ dataDir: folder.path });
      cleanups.push(() => again.kill('SIGKILL'));
      const [message] = await createApiClient(again).listAll('t');
      expect(message?.content).toBe('still here');
      expect(again.apiKey).toBe(server.apiKey);
    },
  );

  test('a signal ends a start at once, and the next start succeeds', async () => {
    const folder = await makeDataDir();
    cleanups.push(() => folder.remove());
    const { child, output } = spawnStandalone({ dataDir: folder.path });
    const exited = once(child, 'exit');
    await eventually(() => expect(output()).toContain('database: making'));
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output()).not.toContain('listens on');
    const server = await startStandalone({ dataDir: folder.path });
    cleanups.push(() => server.kill('SIGKILL'));
  });

  test('one Ctrl-C that arrives twice, by npm and from the terminal, ends it cleanly', async () => {
    const { server } = await start();
    process.kill(server.pid, 'SIGINT');
    expect(await server.kill('SIGINT')).toEqual({ code: 0, signal: null });
  });

  test('a second process on the same data folder is refused with the reason', async () => {
    const { folder, server } = await start();
    const second = spawnStandalone({ dataDir: folder.path });
    const [code] = await once(second.child, 'exit');
    expect(code).toBe(1);
    expect(second.output()).toContain(folder.path);
    expect(second.output()).toContain(String(server.pid));
  });

  test('a wrong configuration names all its problems and shows no value', async () => {
    const folder = await makeDataDir();
    cleanups.push(() => folder.remove());
    const env = { MEMORY_PORT: 'eighty', MEMORY_API_KEYS: 'too-short' };
    const wrong = spawnStandalone({ dataDir: folder.path, env });
    const [code] = await once(wrong.child, 'exit');
    expect(code).toBe(2);
    expect(wrong.output()).toMatch(/MEMORY_PORT[\s\S]*MEMORY_API_KEYS|MEMORY_API_KEYS[\s\S]*MEMORY_PORT/);
    expect(wrong.output()).not.toMatch(/eighty|too-short/);
  });

  test('every accepted request is answered when it is stopped under load', async () => {
    const { folder, server, api } = await start();
    const acknowledged: string[] = [];
    const broken: number[] = [];
    const sending = new AbortController();
    const senders = Array.from({ length: 20 }, async (_, sender) => {
      for (let n = 0; !sending.signal.aborted; n++) {
        try {
          const message = {
            tenant_id: 'load',
            conversation_id: `c${sender}`,
            role: 'user',
            content: `m ${sender} ${n}`,
          };
          const answer = await api.post('/v1/messages', message);
          if (answer.status === 202) acknowledged.push(answer.body.id);
          else broken.push(answer.status);
        } catch (error) {
          // Refused at the door, before it was accepted: the listener is closed.
          if (!isRefusedConnection(error)) throw error;
          return;
        }
      }
    });
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(100));
    const ended = await server.kill('SIGTERM');
    sending.abort();
    await Promise.all(senders);
    expect(ended).toEqual({ code: 0, signal: null });
    expect(broken).toEqual([]);

    const again = await startStandalone({ dataDir: folder.path });
    cleanups.push(() => again.kill('SIGKILL'));
    const stored = new Set((await createApiClient(again).listAll('load')).map((message) => message.id));
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });
});

function isRefusedConnection(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    cause instanceof Error &&
    'code' in cause &&
    (cause.code === 'ECONNREFUSED' || cause.code === 'ECONNRESET' || cause.code === 'UND_ERR_SOCKET')
  );
}
