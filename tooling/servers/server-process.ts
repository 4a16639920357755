import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const nobody = (flag: '-u' | '-g'): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));

/** Who a throw-away server runs as: `nobody` when this process is root's, else (undefined) the user of this process. */
export function serverUser(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 ? { uid: nobody('-u'), gid: nobody('-g') } : undefined;
}

/** Gives a file or folder to whom the server runs as. */
export function giveToServer(path: string): void {
  const user = serverUser();
  if (user) chownSync(path, user.uid, user.gid);
}

/** A new temporary folder that only the server's user can enter. */
export function serverFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `memory-layer-${name}-`));
  giveToServer(folder);
  return folder;
}

/**
 * Starts a program as the server's user in the server's folder, its output in the file `log` there. It is detached:
 * Ctrl-C reaches the whole foreground group, and the server must outlive the tests.
 */
export function launch(command: readonly string[], folder: string, log: string, env = process.env): ChildProcess {
  const [file = '', ...args] = command;
  const output = openSync(join(folder, log), 'w');
  try {
    return spawn(file, args, { env, cwd: folder, detached: true, stdio: ['ignore', output, output], ...serverUser() });
  } finally {
    closeSync(output);
  }
}

/** As a prefix of a command on Linux: it gets this signal when its parent dies, even of SIGKILL. */
export function endingWithParent(signal: 'INT' | 'TERM'): string[] {
  return process.platform === 'linux' ? ['setpriv', '--pdeathsig', signal] : [];
}

/** Ends a server by its process id and waits until it is gone; one that does not obey in 10 s gets SIGQUIT. */
export async function endServer(server: ChildProcess, signal: 'SIGINT' | 'SIGTERM'): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill(signal);
  const impatience = setTimeout(() => server.kill('SIGQUIT'), 10_000);
  await exited;
  clearTimeout(impatience);
}
