import { randomUUID } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import type { Schema } from './schema.ts';

/** Ends the transaction of a probe that has found room. */
class FoundRoom extends Error {}

/**
 * Whether a table can grow by a megabyte, found out by doing it; nothing stays. Unlogged, since a write-ahead log that
 * cannot grow ends a server, and under a name of its own, since other processes may probe as well.
 */
export async function hasRoomFor1MiB(db: Kysely<Schema>): Promise<boolean> {
  const table = sql.id(`room_probe_${randomUUID()}`);
  try {
    await db.transaction().execute(async (probe) => {
      await sql`create unlogged table ${table} (filler text)`.execute(probe);
      await sql`insert into ${table} select repeat('x', 1900) from generate_series(1, 512)`.execute(probe);
      throw new FoundRoom();
    });
  } catch (error) {
    return error instanceof FoundRoom;
  }
  return false;
}
