import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decimal, flag, integer, list, literalText, port } from './env-fields.ts';
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

  test('takes a literal text as it stands, and tells an empty one from none', () => {
    const literal = { PREFIX: literalText(10), OTHER: literalText(10), PORT: port.default(1) };
    expect(loadEnv(literal, { PREFIX: ' q: ', OTHER: '', PORT: ' 2 ' })).toEqual({
      PREFIX: ' q: ',
      OTHER: '',
      PORT: 2,
    });
    expect(loadEnv(literal, {})).toEqual({ PORT: 1 });
    expect(() => loadEnv(literal, { PREFIX: 'x'.repeat(11) })).toThrow('PREFIX: must have at most 10 characters');
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

  test('says one problem in one line', () => {
    expect(() => loadEnv(shape, { PORT: 'x' })).toThrow(/^invalid configuration: PORT: must be a whole number$/);
  });

  test.each([
    ['MEMORY_POTR', 'did you mean MEMORY_PORT?'],
    ['MEMORY_KEYS', 'did you mean MEMORY_API_KEYS?'],
    ['MEMORY_DATABASE', 'did you mean MEMORY_DATABASE_URL?'],
    ['MEMORY_DATA_DIRECTORY', 'did you mean MEMORY_DATA_DIR?'],
    ['MEMORY_SOMETHING_ELSE', '.env.example lists them all'],
  ])('does not know %s: %s', (name, hint) => {
    const load = () => loadEnv(shape, { [name]: 'hunter2' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(new RegExp(`^invalid configuration: ${name}: no such setting.*${hint.replace('?', '\\?')}$`));
    expect(load).not.toThrow(/hunter2/);
  });

  test.each([
    ['of another service', 'MEMORY_REDIS_URL'],
    ['of a client', 'MEMORY_API_KEY'],
    ['of Kubernetes, for a service memory-layer-api', 'MEMORY_LAYER_API_SERVICE_HOST'],
    ['of Kubernetes, for a service memory', 'MEMORY_SERVICE_PORT_HTTP'],
    ['of Kubernetes, for a service memory', 'MEMORY_PORT_8000_TCP_ADDR'],
    ['of something else', 'MEMORYLESS'],
  ])('leaves a variable %s alone: %s', (_, name) => {
    expect(() => loadEnv(shape, { [name]: 'x' })).not.toThrow();
  });

  test.each(['1e3', '0x10', '1.5', 'ten'])('refuses %s as a whole number', (value) => {
    expect(() => loadEnv({ N: integer(0, 10_000) }, { N: value })).toThrow(/N: must be a whole number/);
  });
});

test('deepFreeze freezes nested objects', () => {
  const config = deepFreeze({ a: { b: [1] } });
  expect(() => config.a.b.push(2)).toThrow(TypeError);
});
