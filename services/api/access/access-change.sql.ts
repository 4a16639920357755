import { sql } from 'kysely';

/**
 * Of a statement that changes a key or a tenant: with it every process sees the change soon. Only what administrators do
 * writes this row, so that nobody else waits for it.
 */
export const accessChange = sql`access_changed as (update access_change set version = version + 1)`;
