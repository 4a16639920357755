import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { describe, expect, test } from 'vitest';
import { loadStandaloneConfig, standaloneEnv } from './config.ts';

interface Entry {
  readonly name: string;
  readonly value: string;
  /** A commented line shows an example of a variable that has no default. */
  readonly isExample: boolean;
  readonly lineBefore: string;
}

const file = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
const entries = readEntries(file);
const written = Object.fromEntries(entries.filter((entry) => !entry.isExample).map(({ name, value }) => [name, value]));
const examples = Object.fromEntries(entries.filter((entry) => entry.isExample).map(({ name, value }) => [name, value]));

function readEntries(text: string): Entry[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const match = /^(?<mark>#?)(?<name>[A-Z][A-Z0-9_]*)=(?<value>.*)$/.exec(line);
    if (match?.groups === undefined) return [];
    const { mark, name = '', value = '' } = match.groups;
    return [{ name, value, isExample: mark === '#', lineBefore: lines[index - 1] ?? '' }];
  });
}

describe('.env.example', () => {
  test('names every variable once, and no other', () => {
    expect(entries.map(({ name }) => name).toSorted()).toEqual(Object.keys(standaloneEnv).toSorted());
  });

  test('is a valid configuration, with its examples and without', () => {
    expect(loadStandaloneConfig(written)).toEqual(loadStandaloneConfig({}));
    expect(() => loadStandaloneConfig({ ...written, ...examples })).not.toThrow();
  });

  test('shows the default of every variable that has one, and an example for the others', () => {
    const wrong = entries.filter(({ name, value, isExample }) => {
      const byDefault = valueOf(name, {});
      if (isExample) return byDefault !== undefined || valueOf(name, { [name]: value }) === undefined;
      // An empty line would agree with any default, so it has to stand for an empty one.
      if (value === '') return !isDeepStrictEqual(byDefault, []);
      return !isDeepStrictEqual(valueOf(name, { [name]: value }), byDefault);
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('explains every variable on the line before', () => {
    expect(entries.filter(({ lineBefore }) => !/^# \S.*\.$/.test(lineBefore))).toEqual([]);
  });
});

function valueOf(name: string, env: Readonly<Record<string, string>>): unknown {
  return new Map<string, unknown>(Object.entries(loadEnv(standaloneEnv, env))).get(name);
}
