import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RestartableServer } from './restartable-server.ts';
import { endServer } from './server-process.ts';

/** A server of a group, running until it is killed. */
export interface GroupMember {
  readonly url: string;
  readonly port: number;
  /** As a machine does that loses its power: nothing is said, nothing is finished. */
  kill(): Promise<void>;
  /** It does nothing any more, but its connections stay open. */
  freeze(): void;
  thaw(): void;
  /** Runs it again where it was, with what it had. */
  restart(): Promise<void>;
}

/** Servers that belong together, all ended together. */
export interface ServerGroup {
  /** Starts a server that is not running, as a member. */
  add(server: RestartableServer & { readonly port: number }): Promise<GroupMember>;
  /** Ends every member, and removes its data. */
  stop(): Promise<void>;
}

export function createServerGroup(): ServerGroup {
  const servers = new Map<RestartableServer, ChildProcess | undefined>();
  return {
    async add(server) {
      servers.set(server, undefined);
      const start = async (): Promise<void> => {
        servers.set(server, await server.run(AbortSignal.timeout(30_000)));
      };
      await start();
      return {
        url: server.url,
        port: server.port,
        async kill() {
          const running = servers.get(server);
          if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
          const exited = once(running, 'exit');
          running.kill('SIGKILL');
          await exited;
        },
        freeze: () => servers.get(server)?.kill('SIGSTOP'),
        thaw: () => servers.get(server)?.kill('SIGCONT'),
        restart: start,
      };
    },
    async stop() {
      const running = [...servers.values()].filter((server) => server !== undefined);
      await Promise.all(running.map((server) => endServer(server, 'SIGTERM')));
      for (const server of servers.keys()) server.remove();
    },
  };
}
