import type { Schema } from '@memory-layer/shared/db/schema';
import type { Kysely } from 'kysely';

/** How often a key or a tenant was changed. */
export function createAccessChangeRepository(db: Kysely<Schema>) {
  return {
    async readVersion(): Promise<string> {
      const row = await db.selectFrom('access_change').select('version').executeTakeFirstOrThrow();
      return row.version;
    },
  };
}
