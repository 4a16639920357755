import { describe, expect, test } from 'vitest';

import { readStatementEffects } from './statement-effects.ts';

describe('readStatementEffects', () => {
  test.each([
    'set search_path to x',
    'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
    'set role app',
    'reset all',
    'begin; set work_mem = 1; commit',
    "select set_config('a.b', $1, false)",
    "select set_config('a.b', $1, $2)",
    "select set_config('a.b', '1', true), set_config('a.c', '1', false)",
    "do $$ begin perform set_config('a.b', '1', false); end $$",
    'call configure()',
    '/* first */ set x.y = 1',
  ])('%s may change the settings of the session', (sql) => {
    expect(readStatementEffects(sql).changesSettings).toBe(true);
  });

  test.each([
    'set local search_path to x',
    'SET TRANSACTION READ ONLY',
    'set constraints all deferred',
    "select set_config('a.b', $1, true)",
    'update t set a = 1',
    "select 'set x = 1; set y = 2'",
    'insert into t values (1) on conflict do update set a = 1',
    'select 1 -- ; set x = 1',
  ])('%s does not', (sql) => {
    expect(readStatementEffects(sql).changesSettings).toBe(false);
  });

  test('finds the names of custom settings, inside strings too', () => {
    const sql = `SET app.one = 1; set session "app".two to 'x'; select set_config('App.Three', $1, false);
      do $$ begin perform set_config('app.four', '1', false); end $$; set work_mem = 1; select other.name`;
    expect(readStatementEffects(sql).customSettings).toEqual(['app.one', 'app.two', 'app.three', 'app.four']);
  });

  test('finds what is listened to, folded as PostgreSQL does', () => {
    const { listens } = readStatementEffects(
      'LISTEN Jobs; listen "Bull:Mq"; unlisten "a""b"; UNLISTEN *; select \'listen x\'',
    );
    expect(listens).toEqual([
      { kind: 'listen', channel: 'jobs' },
      { kind: 'listen', channel: 'Bull:Mq' },
      { kind: 'unlisten', channel: 'a"b' },
      { kind: 'unlisten-all' },
    ]);
  });

  test.each([
    'copy t from stdin',
    'COPY t (a, b) FROM STDIN WITH (FORMAT csv)',
    'discard all',
    'deallocate prepare all',
  ])('%s is refused', (sql) => {
    expect(readStatementEffects(`select 1; ${sql}`).refusal).toMatch(/not supported by the embedded database/);
  });

  test.each([
    'copy t to stdout',
    "select 'copy t from stdin'",
    'deallocate all_of_it',
    'discard plans',
    'select all copy',
  ])('%s is not refused', (sql) => {
    expect(readStatementEffects(sql).refusal).toBeUndefined();
  });
});
