import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A server that lives as long as one command. */
export interface ThrowawayServer {
  readonly url: string;
  /** Ends the server and removes its data. */
  stop(): Promise<void>;
}

/**
 * Runs a command with the server's address in the environment variable `name`: the address that is set there already,
 * else that of a server started for it. Signals reach the command; the server ends after it, whatever happens.
 * The signal of `start` is aborted when nobody waits for the server any more. Resolves to the exit status a shell reports.
 */
export async function runBesideServer(
  name: string,
  command: readonly string[],
  start: (signal: AbortSignal) => Promise<ThrowawayServer>,
): Promise<number> {
  const [file, ...args] = command;
  if (file === undefined) throw new Error(`Usage: COMMAND …, to be run with ${name} set.`);
  const interrupted = new AbortController();
  let child: ChildProcess | undefined;
  let received: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    received = signal;
    interrupted.abort(new Error(`Ended by ${signal}.`));
    // Ctrl-C reaches the whole foreground group: the command has it already, and a second one would cut its clean-up.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child?.kill(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);

  const given = process.env[name];
  let server: ThrowawayServer | undefined;
  try {
    server = given ? undefined : await start(interrupted.signal);
    interrupted.signal.throwIfAborted();
    child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, [name]: server?.url ?? given } });
    await once(child, 'exit');
    return child.exitCode ?? statusOf(child.signalCode);
  } catch (error) {
    if (received === undefined) throw error;
    return statusOf(received);
  } finally {
    await server?.stop();
    for (const signal of signals) process.off(signal, onSignal);
  }
}

function statusOf(signal: NodeJS.Signals | null): number {
  return signal === null ? 1 : 128 + constants.signals[signal];
}
