import { runMigrations } from 'bullmq';
import { Client, type ClientConfig } from 'pg';

/**
 * Creates or updates BullMQ's own tables in `schema`. Safe to repeat and to run from several processes at once.
 *
 * @returns the version of the schema afterwards.
 */
export async function migrateQueueSchema(connection: ClientConfig, schema = 'bullmq'): Promise<number> {
  const client = new Client(connection);
  client.on('error', () => undefined); // A lost connection also rejects the query that is running.
  await client.connect();
  try {
    return await runMigrations(client, schema);
  } finally {
    await client.end();
  }
}
