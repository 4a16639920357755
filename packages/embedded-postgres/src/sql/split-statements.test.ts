import { describe, expect, test } from 'vitest';

import { splitStatements } from './split-statements.ts';

describe('splitStatements', () => {
  test.each([
    ['select 1; select 2;', ['select 1', 'select 2']],
    ["select 'a;b', 'it''s; fine'; x", ["select '', ''", 'x']],
    [String.raw`select E'a\';b'; x`, ["select ''", 'x']],
    [String.raw`select 'a\'; x`, ["select ''", 'x']],
    ['select "a;""b" ; x', ['select "a;""b"', 'x']],
    ['a -- ; comment\n b; c', ['a  \n b', 'c']],
    ['a /* ; /* nested ; */ still ; */ b; c', ['a   b', 'c']],
    ['do $$ begin; end $$; x', ["do ''", 'x']],
    ['do $body$ a $$ ; $$ ; $body$; x', ["do ''", 'x']],
    ['select $1; select $2', ['select $1', 'select $2']],
    ['select a$b$c; d', ['select a$b$c', 'd']],
    ["select 'open; never closed", ["select 'open", 'never closed']],
    [' ;; ', []],
  ])('%s', (sql, statements) => {
    expect(splitStatements(sql)).toEqual(statements);
  });

  test('takes time in proportion to the length of a literal', () => {
    const literal = "it''s; ".repeat(500_000);
    expect(splitStatements(`select '${literal}'; x`)).toEqual(["select ''", 'x']);
  });
});
