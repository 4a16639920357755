import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openCluster } from '../engine/open-cluster.ts';
import type { PostgresEngine } from '../engine/postgres-engine.ts';
import { runSql, type SqlRunner } from '../engine/run-sql.ts';
import { checkpointIfDue } from './checkpoint-if-due.ts';
import { vacuumOneTable } from './vacuum-one-table.ts';

const megabyte = 1024 * 1024;

let engine: PostgresEngine;
let sql: SqlRunner;

beforeAll(async () => {
  engine = await openCluster({ dataDir: undefined, template: undefined, settings: {} });
  sql = (text) => runSql(engine.wire, text);
});

afterAll(() => engine.close());

describe('checkpointIfDue', () => {
  test('writes a checkpoint when the log has grown, and keeps the log from growing on', () => {
    sql('CREATE TABLE filler (payload text)');
    const round = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 4000); TRUNCATE filler";
    expect(checkpointIfDue(sql, 4 * megabyte)).toBe(false);
    const sizes: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      for (let step = 0; step < 4; step += 1) sql(round);
      expect(checkpointIfDue(sql, 4 * megabyte)).toBe(true);
      sizes.push(Number(sql('SELECT sum(size) FROM pg_ls_waldir()')[0]?.[0]));
    }
    expect(checkpointIfDue(sql, 4 * megabyte)).toBe(false);
    expect(Math.max(...sizes)).toBeLessThan(64 * megabyte);
  });
});

/** PostgreSQL gathers statistics of activity for a second before it shares them. */
function run(text: string): void {
  sql(text);
  sql('SELECT pg_stat_force_next_flush()');
}

describe('vacuumOneTable', () => {
  test('takes dead rows out of the table that needs it most', () => {
    run('CREATE TABLE outbox (id int PRIMARY KEY); CREATE TABLE quiet (id int)');
    run('INSERT INTO outbox SELECT generate_series(1, 5000); INSERT INTO quiet VALUES (1)');
    run('DELETE FROM outbox WHERE id > 10');
    expect(vacuumOneTable(sql)).toBe('VACUUM (ANALYZE) public.outbox');
    sql('SELECT pg_stat_force_next_flush()');
    expect(sql("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'")).toEqual([['0']]);
    expect(sql("SELECT reltuples FROM pg_class WHERE relname = 'outbox'")).toEqual([['10']]);
    expect(commandsUntilQuiet()).not.toContain('VACUUM (ANALYZE) public.quiet');
  });

  test('does not repair an HNSW index, which takes long, but gives the space of its table back', () => {
    run('CREATE EXTENSION vector; CREATE TABLE embedded (id int, padding text, place vector(3))');
    run('CREATE INDEX ON embedded USING hnsw (place vector_l2_ops)');
    run("INSERT INTO embedded SELECT i, repeat('x', 500), ARRAY[i, 1, 1]::vector FROM generate_series(1, 800) i");
    commandsUntilQuiet();
    const pages = (): number => Number(sql("SELECT pg_relation_size('embedded') / 8192")[0]?.[0]);
    const full = pages();
    run('DELETE FROM embedded WHERE id <= 700');
    expect(commandsUntilQuiet()).toEqual(['VACUUM (ANALYZE, INDEX_CLEANUP off) public.embedded']);
    run("INSERT INTO embedded SELECT i, repeat('x', 500), ARRAY[i, 2, 2]::vector FROM generate_series(1, 600) i");
    expect(pages()).toBeLessThanOrEqual(full + 1);
    expect(sql("SELECT id FROM embedded ORDER BY place <-> '[750,1,1]' LIMIT 1")).toEqual([['750']]);
  });

  test('gives the planner statistics about a table that has changed', () => {
    commandsUntilQuiet();
    run('CREATE TABLE "Odd Name" AS SELECT generate_series(1, 300) AS id');
    expect(commandsUntilQuiet()).toContain('ANALYZE public."Odd Name"');
    expect(sql("SELECT reltuples FROM pg_class WHERE relname = 'Odd Name'")).toEqual([['300']]);
  });

  test('leaves everything alone with autovacuum off', async () => {
    run('CREATE TABLE noisy AS SELECT generate_series(1, 3000) AS id');
    run('DELETE FROM noisy');
    const template = await engine.dump();
    const off = await openCluster({ dataDir: undefined, template, settings: { autovacuum: 'off' } });
    runSql(off.wire, 'DELETE FROM noisy; INSERT INTO noisy SELECT generate_series(1, 3000)');
    runSql(off.wire, 'SELECT pg_stat_force_next_flush()');
    expect(vacuumOneTable((text) => runSql(off.wire, text))).toBeUndefined();
    await off.close();
    expect(commandsUntilQuiet()).toContain('VACUUM (ANALYZE) public.noisy');
  });
});

/** @throws Error when there is no end to it */
function commandsUntilQuiet(): string[] {
  const commands: string[] = [];
  for (let command = vacuumOneTable(sql); command !== undefined; command = vacuumOneTable(sql)) {
    commands.push(command);
    if (commands.length > 20) throw new Error(`never quiet: ${commands.join('; ')}`);
    sql('SELECT pg_stat_force_next_flush()');
  }
  return commands;
}
