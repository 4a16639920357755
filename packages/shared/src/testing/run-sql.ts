import { CompiledQuery, type Kysely } from 'kysely';
import type { Schema } from '../db/schema.ts';

/** Runs a statement as it stands, for suites that have no query builder of their own. @returns its rows. */
export async function runSql<Row>(
  db: Kysely<Schema>,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await db.executeQuery<Row>(CompiledQuery.raw(text, [...parameters]));
  return rows;
}
