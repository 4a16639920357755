import type { SqlRunner } from '../engine/run-sql.ts';

/**
 * The table that needs VACUUM or ANALYZE most, by autovacuum's thresholds and settings.
 * @see https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
 */
const mostNeeded = `
  WITH setting AS (
    SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_base,
           current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale,
           current_setting('autovacuum_vacuum_insert_threshold')::float8 AS insert_base,
           current_setting('autovacuum_vacuum_insert_scale_factor')::float8 AS insert_scale,
           current_setting('autovacuum_analyze_threshold')::float8 AS analyze_base,
           current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale
  ), need AS (
    SELECT format('%I.%I', s.schemaname, s.relname) AS name,
           greatest(
             s.n_dead_tup / (vacuum_base + vacuum_scale * greatest(c.reltuples, 0)),
             s.n_ins_since_vacuum / (insert_base + insert_scale * greatest(c.reltuples, 0))
           ) AS vacuum_need,
           EXISTS (
             SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
             WHERE i.indrelid = c.oid AND am.amname = 'hnsw'
           ) AS has_hnsw,
           s.n_mod_since_analyze / (analyze_base + analyze_scale * greatest(c.reltuples, 0)) AS analyze_need
    FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid CROSS JOIN setting
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND current_setting('autovacuum')::boolean
  )
  SELECT name, CASE WHEN vacuum_need <= 1 THEN 'ANALYZE'
    WHEN has_hnsw THEN 'VACUUM (ANALYZE, INDEX_CLEANUP off)' ELSE 'VACUUM (ANALYZE)' END
  FROM need WHERE analyze_need > 1 OR (vacuum_need > 1 AND NOT has_hnsw)
  ORDER BY greatest(vacuum_need, analyze_need) DESC LIMIT 1`;

/**
 * Does for one table what autovacuum, a background process, does on a server: space of deleted rows is used again, and
 * the planner knows the sizes. All clients wait meanwhile, so it is one table at a time. Off with `autovacuum=off`.
 *
 * An HNSW index is left to REINDEX: VACUUM repairs its graph, which took minutes for thousands of vectors. Its dead
 * entries go on being counted, so for such a table only changes since the last time are a reason.
 * @returns the command that was run; undefined when no table needs any
 */
export function vacuumOneTable(sql: SqlRunner): string | undefined {
  const [needed] = sql(mostNeeded);
  if (!needed) return undefined;
  const [name, command] = needed;
  const statement = `${command} ${name}`;
  sql(statement);
  return statement;
}
