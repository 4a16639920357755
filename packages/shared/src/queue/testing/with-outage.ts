import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { ClientConfig } from 'pg';

export interface Outage {
  /** Like the given one, but subject to the outage. */
  readonly connection: ClientConfig;
  /** Breaks all open connections, and those to come. */
  begin(): void;
  end(): void;
}

/** Takes a PostgreSQL away and gives it back, by way of the streams that its clients are made of. */
export function withOutage(connection: ClientConfig): Outage {
  const streams = new Set<Duplex>();
  let away = false;

  function open(): Duplex {
    const made = connection.stream?.() ?? new Socket();
    streams.add(made);
    made.once('close', () => streams.delete(made));
    const connect: unknown = Reflect.get(made, 'connect');
    if (typeof connect !== 'function') throw new TypeError('a client stream without connect');
    // The client listens for errors from its call of connect on; by the next tick no answer can have arrived.
    Reflect.set(made, 'connect', (...args: unknown[]) => {
      if (!away) return Reflect.apply(connect, made, args);
      process.nextTick(() => made.destroy(new Error('PostgreSQL is away')));
      return made;
    });
    return made;
  }

  return {
    connection: { ...connection, stream: open },
    begin() {
      away = true;
      for (const stream of streams) stream.destroy(new Error('PostgreSQL is away'));
    },
    end() {
      away = false;
    },
  };
}
