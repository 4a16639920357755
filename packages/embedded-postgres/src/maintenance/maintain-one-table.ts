import type { SqlRunner } from '../engine/run-sql.ts';

/** ANALYZE reads 300 rows for each unit of the target. 20 take a fifth of the time that PostgreSQL's 100 do. */
const mostStatistics = 20;
const rowsPerTarget = 300;
/** About how much ANALYZE reads of a table with wide rows, since it decompresses values and fetches them from TOAST. */
const sampledBytes = 8 * 1024 * 1024;
/** Sooner, only growth is a reason to analyse a table again: rows of an outbox come and go all the time. */
const repeatAfter = "interval '10 seconds'";
/** The planner uses no statistics of these types, and they take longer than those of all other columns. */
const vectorTypes = "'vector', 'halfvec', 'sparsevec'";

/**
 * The table that needs VACUUM or ANALYZE most, by autovacuum's thresholds and settings.
 *
 * The engine forgets at a restart how many rows have changed, so a table that has not been analysed since the start is
 * also judged by its size; and one that lacks statistics, as after a migration, or if it was never analysed, needs them.
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
  ), relation AS MATERIALIZED (
    SELECT c.oid, c.relname, n.nspname, greatest(c.reltuples, 0) AS tuples, c.relpages,
           pg_stat_get_dead_tuples(c.oid) AS dead, pg_stat_get_live_tuples(c.oid) AS live,
           pg_stat_get_tuples_inserted(c.oid) AS inserted, pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
           pg_stat_get_mod_since_analyze(c.oid) AS modified_since_analyze,
           pg_stat_get_last_vacuum_time(c.oid) AS vacuumed_at, pg_stat_get_last_analyze_time(c.oid) AS analyzed_at,
           pg_relation_size(c.oid) / current_setting('block_size')::int AS pages
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND current_setting('autovacuum')::boolean
      AND coalesce((SELECT option_value::boolean FROM pg_options_to_table(c.reloptions)
                    WHERE option_name = 'autovacuum_enabled'), true)
  ), need AS MATERIALIZED (
    SELECT r.*,
           greatest(
             dead / (vacuum_base + vacuum_scale * tuples), inserted_since_vacuum / (insert_base + insert_scale * tuples)
           ) AS vacuum_need,
           modified_since_analyze / (analyze_base + analyze_scale * tuples) AS analyze_need,
           abs(live - tuples) / (analyze_base + analyze_scale * tuples) AS growth_need,
           CASE WHEN analyzed_at IS NULL AND relpages > 0
             THEN abs(pages - relpages)::float8 / relpages * tuples / (analyze_base + analyze_scale * tuples) ELSE 0
           END AS size_need,
           nspname <> 'pg_catalog' AND (tuples > 0 OR (inserted = 0 AND analyzed_at IS NULL)) AND EXISTS (
             SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(a.attstattarget, -1) <> 0
               AND a.attgenerated <> 'v' AND t.typname NOT IN (${vectorTypes})
               AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = r.oid AND s.staattnum = a.attnum)
           ) AS lacks_columns,
           -- Of expressions, those of an index on all rows: of a partial one there may be nothing to know.
           tuples > 0 AND EXISTS (
             SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
             WHERE i.indrelid = r.oid AND i.indexprs IS NOT NULL AND i.indpred IS NULL AND i.indkey[a.attnum - 1] = 0
               AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = i.indexrelid AND s.staattnum = a.attnum)
           ) AND NOT EXISTS (
             SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = r.oid AND t.typname IN (${vectorTypes})
           ) AS lacks_expressions,
           EXISTS (
             SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam
             WHERE i.indrelid = r.oid AND am.amname = 'hnsw'
           ) AS has_hnsw
    FROM relation r CROSS JOIN setting
    -- ANALYZE passes over the table that it writes to.
    WHERE pages > 0 AND oid <> 'pg_catalog.pg_statistic'::regclass
  ), judged AS (
    SELECT *,
           lacks_columns OR lacks_expressions OR size_need > 1 OR (analyze_need > 1 AND
             (growth_need > 1 OR coalesce(analyzed_at, '-infinity') < clock_timestamp() - ${repeatAfter})) AS is_stale,
           vacuum_need > 1 AND coalesce(vacuumed_at, '-infinity') < clock_timestamp() - ${repeatAfter} AS is_full
    FROM need
  )
  SELECT oid, format('%I.%I', nspname, relname),
         CASE WHEN is_full AND has_hnsw THEN 'VACUUM (INDEX_CLEANUP off)' WHEN NOT is_stale THEN 'VACUUM' END, is_stale
  FROM judged WHERE is_stale OR (is_full AND NOT has_hnsw)
  ORDER BY greatest(vacuum_need, analyze_need, size_need, (lacks_columns OR lacks_expressions)::int) DESC LIMIT 1`;

/** How the table of an oid is analysed: the target, and the columns when some are left out. */
const analysis = (oid: string): string => `
  SELECT greatest(1, least(${mostStatistics}, current_setting('default_statistics_target')::int,
           ${sampledBytes} / ${rowsPerTarget} * rows / greatest(pg_table_size(oid), 1)))::int,
         CASE WHEN left_out > 0 THEN '(' || columns || ')' ELSE '' END
  FROM (
    SELECT c.oid, greatest(c.reltuples, pg_stat_get_live_tuples(c.oid),
             -- Nothing is known of it yet.
             10 * pg_relation_size(c.oid) / current_setting('block_size')::int) AS rows,
           string_agg(quote_ident(a.attname), ', ') FILTER (WHERE t.typname NOT IN (${vectorTypes})) AS columns,
           count(*) FILTER (WHERE t.typname IN (${vectorTypes})) AS left_out
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.oid = ${oid} GROUP BY c.oid
  ) relation`;

/**
 * Does for one table what autovacuum, a background process, does on a server: it frees the space of deleted rows and
 * updates the planner's statistics. All clients wait meanwhile, so it takes one table at a time. `autovacuum=off` and a
 * table's `autovacuum_enabled` switch it off.
 *
 * An HNSW index is left to REINDEX: VACUUM repairs its graph, which took minutes for thousands of vectors. Its dead
 * entries stay counted, so such a table is vacuumed only for changes since the last time.
 * @returns the commands that were run; none when no table needs any
 */
export function maintainOneTable(sql: SqlRunner): readonly string[] {
  // PostgreSQL counts changes with a delay of a second.
  sql('SELECT pg_stat_force_next_flush()');
  const [needed] = sql(mostNeeded);
  const [oid, name, vacuum, isStale] = needed ?? [];
  if (typeof oid !== 'string') return [];
  const commands: string[] = [];
  if (typeof vacuum === 'string') {
    commands.push(`${vacuum} ${name}`);
    sql(`${vacuum} ${name}`);
  }
  if (isStale === 't') {
    commands.push(`ANALYZE ${name}`);
    const [[target, columns] = []] = sql(analysis(oid));
    // In one transaction, whose end restores the target.
    sql(`SELECT set_config('default_statistics_target', '${target}', true); ANALYZE ${name} ${columns}`);
  }
  return commands;
}
