import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decimal, flag, integer, list, port } from './env-fields.ts';
import { ConfigError, deepFreeze, loadEnv } from './load-config.ts';

const shape = {
  PORT: port.default(8000),
  RATE: decimal(0, 1).default(0.5),
  ON: flag.default(true),
  KEYS: list.default([]),
};

describe('loadEnv', () => {
  test('takes defaults for what is unset or empty', () => {
    expect(loadEnv(shape, { PORT: '', RATE: '  ' })).toEqual({ PORT: 8000, RATE: 0.5, ON: true, KEYS: [] });
  });

  test('reads numbers, flags and lists', () => {
    const config = loadEnv(shape, { PORT: '9', RATE: '0.25', ON: '0', KEYS: 'a, b,,c' });
    expect(config).toEqual({ PORT: 9, RATE: 0.25, ON: false, KEYS: ['a', 'b', 'c'] });
  });

  test('reports all problems at once and shows no value', () => {
    const load = () =>
      loadEnv({ ...shape, SECRET: z.string().min(16) }, { PORT: '70000', RATE: 'x', SECRET: 'hunter2' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/PORT[\s\S]*RATE[\s\S]*SECRET/);
    expect(load).not.toThrow(/hunter2|70000/);
  });

  test.each(['1e3', '0x10', '1.5', 'ten'])('refuses %s as a whole number', (value) => {
    expect(() => loadEnv({ N: integer(0, 10_000) }, { N: value })).toThrow(/N: must be a whole number/);
  });
});

test('deepFreeze freezes nested objects', () => {
  const config = deepFreeze({ a: { b: [1] } });
  expect(() => config.a.b.push(2)).toThrow(TypeError);
});
