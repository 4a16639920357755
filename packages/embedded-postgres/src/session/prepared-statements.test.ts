import { describe, expect, test } from 'vitest';

import { frame, readCString } from '../wire/frames.ts';
import { PreparedStatements } from './prepared-statements.ts';

const parse = (name: string, sql: string): Buffer => frame('P', name, sql, Buffer.alloc(2));
const bind = (name: string): Buffer => frame('B', '', name, Buffer.alloc(6));

describe('PreparedStatements', () => {
  test('puts the same prefix into every message about a named statement', () => {
    const statements = new PreparedStatements(7);
    expect(statements.rewrite('P', parse('q', 'select 1')).bytes).toEqual(parse('c7_q', 'select 1'));
    expect(statements.rewrite('B', bind('q')).bytes).toEqual(bind('c7_q'));
    expect(statements.rewrite('D', frame('D', Buffer.from('S'), 'q')).bytes).toEqual(
      frame('D', Buffer.from('S'), 'c7_q'),
    );
    expect(statements.rewrite('C', frame('C', Buffer.from('S'), 'q')).bytes).toEqual(
      frame('C', Buffer.from('S'), 'c7_q'),
    );
  });

  test('leaves unnamed statements and portals alone', () => {
    const statements = new PreparedStatements(7);
    const messages = [parse('', 'select 1'), bind(''), frame('D', Buffer.from('P'), 'portal'), frame('E', 'portal')];
    for (const bytes of messages) {
      expect(statements.rewrite(String.fromCharCode(bytes[0] ?? 0), bytes).bytes).toBe(bytes);
    }
  });

  test('knows what a named statement does each time it is run', () => {
    const statements = new PreparedStatements(1);
    const sql = "select set_config('app.tenant', $1, false)";
    expect(statements.rewrite('P', parse('q', sql)).effects.changesSettings).toBe(false);
    expect(statements.rewrite('B', bind('q')).effects.changesSettings).toBe(true);
    expect(statements.rewrite('B', bind('q')).effects.changesSettings).toBe(true);
    expect(statements.rewrite('P', parse('', sql)).effects.changesSettings).toBe(true);
  });

  test('closes what is open at the end', () => {
    const statements = new PreparedStatements(3);
    expect(statements.closeAll()).toBeUndefined();
    statements.rewrite('P', parse('a', 'select 1'));
    statements.rewrite('P', parse('b', 'select 2'));
    statements.rewrite('C', frame('C', Buffer.from('S'), 'a'));
    const closes = statements.closeAll() ?? Buffer.alloc(0);
    expect(readCString(closes, 6).text).toBe('c3_b');
    expect(closes).toHaveLength(frame('C', Buffer.from('S'), 'c3_b').length + 5);
    expect(statements.closeAll()).toBeUndefined();
  });
});
