import { describe, expect, test } from 'vitest';

import { noSettings, restoreSettings, settingsFromRows } from './session-settings.ts';

describe('restoreSettings', () => {
  test('takes away everything first', () => {
    expect(restoreSettings(noSettings)).toBe('RESET SESSION AUTHORIZATION;RESET ALL');
  });

  test('gives up its rights last, and quotes what it is given', () => {
    const sql = restoreSettings({
      values: [
        ['search_path', '"$user", Public,"a ""b"""'],
        ['app.tenant', "it's \\ me"],
        ['work_mem', '4096'],
      ],
      user: 'app"user',
      role: 'reader',
    });
    expect(sql.split(';')).toEqual([
      'RESET SESSION AUTHORIZATION',
      'RESET ALL',
      'SET "search_path" TO "$user", "public", "a ""b"""',
      String.raw`SET "app"."tenant" TO  E'it''s \\ me'`,
      `SET "work_mem" TO '4096'`,
      'SET SESSION AUTHORIZATION "app""user"',
      'SET ROLE "reader"',
    ]);
  });

  test.each(['', '""', ' '])('keeps an empty search_path empty (%j)', (value) => {
    const sql = restoreSettings({ ...noSettings, values: [['search_path', value]] });
    expect(sql).toMatch(/SET "search_path" TO (''|' '|"")$/);
  });
});

describe('settingsFromRows', () => {
  test('keeps the state of the engine apart from that of the client', () => {
    expect(settingsFromRows([['none', 'postgres']])).toEqual(noSettings);
    expect(
      settingsFromRows([
        ['reader', 'app'],
        ['work_mem', '64'],
      ]),
    ).toEqual({
      values: [['work_mem', '64']],
      user: 'app',
      role: 'reader',
    });
  });
});
