import { runMigrations } from 'bullmq';
import { withConnection, type ConnectionConfig } from '../db/connection.ts';

/**
 * Creates or updates BullMQ's own tables in `schema`. Safe to repeat and to run from several processes at once.
 *
 * @returns the version of the schema afterwards.
 */
export function migrateQueueSchema(connection: ConnectionConfig, schema = 'bullmq'): Promise<number> {
  return withConnection(connection, (client) => runMigrations(client, schema));
}
