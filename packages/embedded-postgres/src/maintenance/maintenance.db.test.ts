import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openCluster } from '../engine/open-cluster.ts';
import type { PostgresEngine } from '../engine/postgres-engine.ts';
import { runSql, type SqlRunner } from '../engine/run-sql.ts';
import { checkpointIfDue } from './checkpoint-if-due.ts';
import { vacuumOneTable } from './vacuum-one-table.ts';

const MEGABYTE = 1024 * 1024;

let engine: PostgresEngine;
let sql: SqlRunner;

beforeAll(async () => {
  engine = await openCluster({ dataDir: undefined, template: undefined, settings: {} });
  sql = (text) => runSql(engine.wire, text);
});

afterAll(() => engine.close());

describe('checkpointIfDue', () => {
  it('writes a checkpoint when the log has grown, and keeps the log from growing on', () => {
    sql('CREATE TABLE filler (payload text)');
    const round = "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 4000); TRUNCATE filler";
    expect(checkpointIfDue(sql, 4 * MEGABYTE)).toBe(false);
    const sizes: number[] = [];
    for (let count = 0; count < 6; count += 1) {
      for (let step = 0; step < 4; step += 1) sql(round);
      expect(checkpointIfDue(sql, 4 * MEGABYTE)).toBe(true);
      sizes.push(Number(sql('SELECT sum(size) FROM pg_ls_waldir()')[0]?.[0]));
    }
    expect(checkpointIfDue(sql, 4 * MEGABYTE)).toBe(false);
    expect(Math.max(...sizes)).toBeLessThan(64 * MEGABYTE);
  });
});

describe('vacuumOneTable', () => {
  it('takes dead rows out of the table that needs it most, one table at a time', () => {
    while (vacuumOneTable(sql) !== undefined);
    sql('CREATE TABLE outbox (id int PRIMARY KEY); CREATE TABLE quiet (id int)');
    sql('INSERT INTO outbox SELECT generate_series(1, 5000); INSERT INTO quiet VALUES (1)');
    sql('DELETE FROM outbox WHERE id > 10');
    expect(vacuumOneTable(sql)).toBe('VACUUM (ANALYZE) public.outbox');
    const dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'";
    expect(sql(dead)).toEqual([['0']]);
    expect(sql("SELECT reltuples FROM pg_class WHERE relname = 'outbox'")).toEqual([['10']]);
    expect(vacuumOneTable(sql)).toBeUndefined();
  });

  it('gives the planner statistics about a table that has changed', () => {
    sql('CREATE TABLE changed AS SELECT i AS id, 0 AS flag FROM generate_series(1, 500) AS i; ANALYZE changed');
    while (vacuumOneTable(sql) !== undefined);
    sql('CREATE TABLE "Odd Name" AS SELECT generate_series(1, 300) AS id');
    expect(vacuumOneTable(sql)).toBe('ANALYZE public."Odd Name"');
  });

  it('leaves everything alone with autovacuum off', () => {
    sql('CREATE TABLE noisy AS SELECT generate_series(1, 3000) AS id; DELETE FROM noisy');
    sql('SET autovacuum TO off');
  });
});
