import cluster from 'node:cluster';
import type { ProcessPlace } from './process-member.ts';

/** Where this process stands; undefined when nobody has started it as one of several. */
export function placeOf(env: Readonly<Record<string, string | undefined>>): ProcessPlace | undefined {
  if (!cluster.isWorker) return undefined;
  // Sent to all processes of a terminal: the first one sees to it.
  process.on('SIGHUP', () => undefined);
  return {
    number: Number(env['API_PROCESS_NUMBER']),
    listensWhenReady: env['API_PROCESS_LISTENS'] === 'when-ready',
    channel: {
      send: (message, onSent) => {
        if (process.send === undefined || !process.connected) onSent();
        else process.send(message, () => onSent());
      },
      onMessage: (listener) => void process.on('message', listener),
    },
    end: () => void process.kill(process.pid, 'SIGTERM'),
  };
}
