import type { ChildProcess } from 'node:child_process';

/** A connection on its way to another process. */
interface Handle {
  close(): void;
}

/** Whom each connection was sent to last. */
export type SentConnections = WeakMap<Handle, ChildProcess>;

/**
 * Closes the connection that a process was about to take when it was killed. Node.js waits for the answer of that
 * process for ever, and the client with it (lib/internal/cluster/round_robin_handle.js, `handoff`); one is on its way
 * at a time. To close what the process had taken is harmless: this side has closed it already.
 */
export function closeLostConnections(child: ChildProcess, sent: SentConnections): void {
  const send = child.send.bind(child);
  let last: Handle | undefined;
  const sendNoted = (...args: Parameters<typeof send>): boolean => {
    const handle: unknown = args[1];
    if (isHandle(handle)) {
      last = handle;
      sent.set(handle, child);
    }
    return send(...args);
  };
  Object.assign(child, { send: sendNoted });
  child.once('exit', () => {
    // One that this process did not take any more was sent to another.
    if (last !== undefined && sent.get(last) === child) last.close();
  });
}

function isHandle(value: unknown): value is Handle {
  return typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function';
}
