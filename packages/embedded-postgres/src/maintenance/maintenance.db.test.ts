import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openCluster } from '../engine/open-cluster.ts';
import type { PostgresEngine } from '../engine/postgres-engine.ts';
import { runSql, type SqlRunner } from '../engine/run-sql.ts';
import { checkpointIfDue } from './start-maintenance.ts';
import { maintainOneTable } from './maintain-one-table.ts';

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

/** @throws Error when there is no end to it */
function commandsUntilQuiet(runner = sql): string[] {
  const commands: string[] = [];
  for (let run = maintainOneTable(runner); run.length > 0; run = maintainOneTable(runner)) {
    commands.push(...run);
    if (commands.length > 60) throw new Error(`never quiet: ${commands.join('; ')}`);
  }
  return commands;
}

const rowsOf = (table: string): string | null | undefined =>
  sql(`SELECT reltuples FROM pg_class WHERE relname = '${table}'`)[0]?.[0];

describe('maintainOneTable', () => {
  test('takes dead rows out of the table that needs it most, and counts what is left', () => {
    sql('CREATE TABLE outbox (id int PRIMARY KEY); CREATE TABLE quiet (id int)');
    sql('INSERT INTO outbox SELECT generate_series(1, 5000); INSERT INTO quiet VALUES (1)');
    sql('DELETE FROM outbox WHERE id > 10');
    expect(maintainOneTable(sql)).toEqual(['ANALYZE public.outbox']);
    expect(rowsOf('outbox')).toBe('10');
    const commands = commandsUntilQuiet();
    expect(commands).toContain('VACUUM public.outbox');
    expect(sql("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'outbox'")).toEqual([['0']]);
    expect(commands.join()).not.toContain('public.quiet');
  });

  test('does not repair an HNSW index, which takes long, but gives the space of its table back', () => {
    sql('CREATE EXTENSION vector; CREATE TABLE embedded (id int, padding text, place vector(3))');
    sql('CREATE INDEX ON embedded USING hnsw (place vector_l2_ops)');
    sql("INSERT INTO embedded SELECT i, repeat('x', 500), ARRAY[i, 1, 1]::vector FROM generate_series(1, 800) i");
    commandsUntilQuiet();
    const pages = (): number => Number(sql("SELECT pg_relation_size('embedded') / 8192")[0]?.[0]);
    const full = pages();
    sql('DELETE FROM embedded WHERE id <= 700');
    const ofTable = commandsUntilQuiet().filter((command) => command.endsWith('public.embedded'));
    expect(ofTable).toEqual(['VACUUM (INDEX_CLEANUP off) public.embedded', 'ANALYZE public.embedded']);
    sql("INSERT INTO embedded SELECT i, repeat('x', 500), ARRAY[i, 2, 2]::vector FROM generate_series(1, 600) i");
    expect(pages()).toBeLessThanOrEqual(full + 1);
    expect(sql("SELECT id FROM embedded ORDER BY place <-> '[750,1,1]' LIMIT 1")).toEqual([['750']]);
    commandsUntilQuiet();
    const columns = sql("SELECT attname FROM pg_stats WHERE tablename = 'embedded' ORDER BY attname").flat();
    expect(columns, 'nothing is estimated from statistics of vectors').toEqual(['id', 'padding']);
  });

  test('analyses a table again each time that it has grown by more than a tenth and 50 rows', () => {
    sql('CREATE TABLE "Odd Name" AS SELECT generate_series(1, 300) AS id');
    expect(commandsUntilQuiet()).toContain('ANALYZE public."Odd Name"');
    expect(rowsOf('Odd Name')).toBe('300');
    sql('INSERT INTO "Odd Name" SELECT generate_series(301, 380)');
    expect(commandsUntilQuiet().join(), 'at the threshold').not.toContain('Odd Name');
    sql('INSERT INTO "Odd Name" VALUES (381)');
    expect(commandsUntilQuiet()).toContain('ANALYZE public."Odd Name"');
    expect(rowsOf('Odd Name')).toBe('381');
  });

  test('lets a table that has grown tenfold be read by the index that its rows ask for', () => {
    sql('CREATE TABLE said (owner text, chat int, at int); CREATE INDEX by_chat ON said (owner, chat)');
    sql('CREATE INDEX by_time ON said (owner, at)');
    const planOf = (): string =>
      sql("EXPLAIN SELECT * FROM said WHERE owner = 'late' AND chat = 7 ORDER BY at LIMIT 5").flat().join('\n');
    sql("INSERT INTO said SELECT 'early', i % 50, i FROM generate_series(1, 1000) i");
    expect(commandsUntilQuiet()).toContain('ANALYZE public.said');
    sql("INSERT INTO said SELECT 'late', i % 4500, i FROM generate_series(1, 9000) i");
    expect(planOf(), 'a chat that statistics do not know').toContain('by_time');
    expect(commandsUntilQuiet()).toContain('ANALYZE public.said');
    expect(planOf()).toContain('by_chat');
  });

  test('does not analyse a table over and over whose rows come and go', () => {
    sql('CREATE TABLE churned (id int)');
    const churn = 'INSERT INTO churned SELECT generate_series(1, 500); DELETE FROM churned';
    sql(churn);
    expect(commandsUntilQuiet()).toEqual(expect.arrayContaining(['ANALYZE public.churned', 'VACUUM public.churned']));
    sql(churn);
    expect(commandsUntilQuiet().join()).not.toContain('churned');
  });

  test('leaves everything alone with autovacuum off, and a table with autovacuum_enabled off', async () => {
    sql('CREATE TABLE alone (id int) WITH (autovacuum_enabled = off); CREATE TABLE noisy (id int)');
    const fill = 'INSERT INTO alone SELECT generate_series(1, 3000); INSERT INTO noisy SELECT generate_series(1, 3000)';
    sql(fill);
    const template = await engine.dump();
    const off = await openCluster({ dataDir: undefined, template, settings: { autovacuum: 'off' } });
    runSql(off.wire, fill);
    expect(maintainOneTable((text) => runSql(off.wire, text))).toEqual([]);
    await off.close();
    const commands = commandsUntilQuiet();
    expect(commands).toContain('ANALYZE public.noisy');
    expect(commands.join()).not.toContain('alone');
  });

  test('reads less of a table with long rows, so that the engine is soon free again', () => {
    sql('CREATE TABLE long_rows (id int, words text); ALTER TABLE long_rows ALTER words SET STORAGE external');
    sql("INSERT INTO long_rows SELECT i, repeat('x', 30000) FROM generate_series(1, 700) i");
    const targets: string[] = [];
    commandsUntilQuiet((text) => {
      if (text.includes('long_rows')) targets.push(/'default_statistics_target', '(\d+)'/.exec(text)?.[1] ?? '');
      return sql(text);
    });
    expect(targets).toEqual(['1']);
    expect(rowsOf('long_rows')).toBe('700');
    expect(sql('SHOW default_statistics_target')).toEqual([['100']]);
  });
});

describe('maintainOneTable after a restart, which loses the counts of changes', () => {
  let restarted: PostgresEngine;
  let commands: string[];
  beforeAll(async () => {
    for (const name of ['grown', 'same', 'never', 'indexed', 'emptied', 'filled']) {
      sql(`CREATE TABLE ${name} (id int, words text)`);
    }
    sql("INSERT INTO grown SELECT i, 'words' FROM generate_series(1, 500) i");
    sql("INSERT INTO same SELECT i, 'words' FROM generate_series(1, 500) i");
    sql("INSERT INTO indexed SELECT i, 'words' FROM generate_series(1, 20) i");
    sql('ANALYZE grown, same, indexed, filled');
    commandsUntilQuiet();
    sql("INSERT INTO grown SELECT i, 'words' FROM generate_series(1, 5000) i");
    sql("INSERT INTO filled SELECT i, 'words' FROM generate_series(1, 5000) i");
    sql("INSERT INTO same VALUES (0, 'word'); INSERT INTO never SELECT i, 'words' FROM generate_series(1, 20) i");
    sql("INSERT INTO emptied VALUES (1, 'word'); DELETE FROM emptied");
    // As a migration does it.
    sql('CREATE INDEX ON indexed (lower(words))');
    const template = await engine.dump();
    restarted = await openCluster({ dataDir: undefined, template, settings: {} });
    commands = commandsUntilQuiet((text) => runSql(restarted.wire, text));
  });
  afterAll(() => restarted.close());

  test.each([
    ['that has grown', 'grown'],
    ['that was never analysed', 'never'],
    ['that was empty when it was analysed', 'filled'],
    ['with an index on an expression that has no statistics', 'indexed'],
  ])('a table %s is analysed', (_, name) => {
    expect(commands).toContain(`ANALYZE public.${name}`);
    expect(
      Number(runSql(restarted.wire, `SELECT count(*) FROM pg_stats WHERE tablename LIKE '${name}%'`)[0]?.[0]),
    ).toBeGreaterThan(0);
  });

  test('others are not', () => {
    expect(commands).not.toContain('ANALYZE public.same');
    expect(commands.length).toBeGreaterThan(0);
  });
});
