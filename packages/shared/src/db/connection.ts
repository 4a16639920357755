import { Client, type ClientConfig } from 'pg';

/** How to reach a PostgreSQL server: a URL, or the stream of an embedded database. */
export type ConnectionConfig = ClientConfig;

/**
 * Opens a connection for one piece of work, beside every pool, and closes it afterwards.
 *
 * @param onError called when the connection is lost, which also rejects the query that is running.
 */
export async function withConnection<T>(
  config: ConnectionConfig,
  work: (client: Client) => Promise<T>,
  onError: (error: Error) => void = () => undefined,
): Promise<T> {
  const client = new Client(config);
  client.on('error', onError);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}
