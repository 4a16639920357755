import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { apiServiceEnv } from '@memory-layer/api/config';
import { embedWorkerServiceEnv } from '@memory-layer/embed-worker/config';
import { retentionServiceEnv } from '@memory-layer/retention-worker/config';
import { loadEnv } from '@memory-layer/shared/config/load-config';
import { settingNames } from '@memory-layer/shared/config/setting-names';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { loadStandaloneConfig, standaloneEnv } from './config.ts';

interface Entry {
  readonly name: string;
  readonly value: string;
  /** A commented line shows an example of a variable that has no default, or not one for all. */
  readonly isExample: boolean;
  /** The lines of comment right before it. */
  readonly comment: readonly string[];
}

type Shape = Readonly<Record<string, z.ZodType>>;

const services: Readonly<Record<string, Shape>> = {
  api: apiServiceEnv,
  'embed-worker': embedWorkerServiceEnv,
  'retention-worker': retentionServiceEnv,
};
const oneProcess: Shape = standaloneEnv;
const shapes = [oneProcess, ...Object.values(services)];

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
    const first = lines.findLastIndex((before, at) => at < index && !before.startsWith('# ')) + 1;
    return [{ name, value, isExample: mark === '#', comment: lines.slice(first, index) }];
  });
}

describe('.env.example', () => {
  test('names every variable of every way to run once, and no other', () => {
    const names = new Set(shapes.flatMap((shape) => Object.keys(shape)));
    expect(entries.map(({ name }) => name).toSorted()).toEqual([...names].toSorted());
  });

  test('names what no process takes for a mistake', () => {
    expect(entries.map(({ name }) => name)).toEqual(settingNames);
  });

  test('is a valid configuration of one process, with its examples and without', () => {
    expect(loadStandaloneConfig(written)).toEqual(loadStandaloneConfig({}));
    expect(() => loadStandaloneConfig({ ...written, ...examples })).not.toThrow();
  });

  test.each(Object.entries(services))('is a valid configuration of the %s with its examples', (_, shape) => {
    expect(() => loadEnv(shape, { ...written, ...examples })).not.toThrow();
  });

  test('shows the default of every variable that has one for all, and an example for the others', () => {
    const wrong = entries.filter(({ name, value, isExample }) => {
      const shown = defaultsOf(name);
      const fields = fieldsOf(name);
      const isOneForAll = shown.length === 1 && shown[0] !== undefined;
      if (isExample) return isOneForAll || fields.some((field) => read(field, value) === undefined);
      // An empty line would agree with any default, so it has to stand for an empty one.
      if (value === '') return !isDeepStrictEqual(shown, [[]]);
      return shown.length !== 1 || fields.some((field) => !isDeepStrictEqual(read(field, value), shown[0]));
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test('says where the default of a service is another one', () => {
    const silent = entries.filter(({ name, comment }) => {
      const defaults = distinct(fieldsOf(name).map((field) => read(field)));
      if (defaults.length === 1) return false;
      const text = comment.join(' ');
      return !/services?/i.test(text) || !defaults.every((value) => text.includes(String(value)));
    });
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test('says of every variable that is for one way to run alone that it is', () => {
    const silent = entries.filter(({ name, comment }) => {
      const text = comment.join(' ');
      if (!(name in oneProcess)) return !text.includes('Services only');
      return !Object.values(services).some((shape) => name in shape) && !text.includes('One process only');
    });
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  test('explains every variable on the line before', () => {
    expect(entries.filter(({ comment }) => !/^# \S.*\.$/.test(comment.at(-1) ?? ''))).toEqual([]);
  });
});

function fieldsOf(name: string): z.ZodType[] {
  return shapes.flatMap((shape) => shape[name] ?? []);
}

/** The default that the file has to show: that of one process, if it knows the variable, else those of the services. */
function defaultsOf(name: string): unknown[] {
  const own = oneProcess[name];
  const fields = own === undefined ? fieldsOf(name) : [own];
  return distinct(fields.map((field) => read(field)));
}

/** What a field makes of a text, or of none; undefined when it refuses that, or has no default. */
function read(field: z.ZodType, text?: string): unknown {
  const parsed = field.safeParse(text);
  return parsed.success ? parsed.data : undefined;
}

function distinct(values: readonly unknown[]): unknown[] {
  return values.filter((value, index) => values.findIndex((other) => isDeepStrictEqual(other, value)) === index);
}
