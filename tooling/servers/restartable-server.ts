import type { ChildProcess } from 'node:child_process';

/** A server with data in a folder of its own: it can be run, ended, and run again where it was, with what it had. */
export interface RestartableServer {
  /** The same at every run. */
  readonly url: string;
  /** Starts it and waits until it answers. @throws when it does not, or when the signal aborts; it is then gone. */
  run(signal: AbortSignal): Promise<ChildProcess>;
  /** Removes the data. For when it does not run. */
  remove(): void;
}
