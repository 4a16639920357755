import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { runTool } from './run-tool.ts';

/** Each fixture says in its first line what oxlint must find in it; without such a line it must be clean. */
const expectation = /^\/\/ expect: (?<finding>.+)$/m;
const fixture = new URL('fixtures/boundaries/', import.meta.url);
const files = readdirSync(fileURLToPath(fixture), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.config.ts'))
  .map((name) => ({
    name,
    expected: expectation.exec(readFileSync(new URL(name, fixture), 'utf8'))?.groups?.['finding'],
  }));

interface Diagnostic {
  readonly code?: string;
  readonly help?: string;
  readonly filename: string;
}

let diagnostics: readonly Diagnostic[] = [];

beforeAll(async () => {
  const output = await runTool('oxlint', ['-c', 'rules-under-test.config.ts', '-f', 'json'], fixture);
  ({ diagnostics } = JSON.parse(output) as { diagnostics: readonly Diagnostic[] });
}, 60_000);

function findings(name: string, expected: string | undefined): string[] {
  const withHelp = expected?.includes(': ') ?? false;
  return diagnostics
    .filter(({ filename }) => filename === name)
    .map(({ code = 'unknown', help = '' }) => {
      const rule = /\((?<rule>.+)\)/.exec(code)?.groups?.['rule'] ?? code;
      return withHelp ? `${rule}: ${help}` : rule;
    });
}

describe('lint rules, seen to fail on what they forbid', () => {
  const forbidden = files.filter(({ expected }) => expected !== undefined);
  test.each(forbidden)('$name: $expected', ({ name, expected }) => {
    expect(findings(name, expected)).toEqual([expected]);
  });
});

describe('lint rules, silent on what is allowed', () => {
  const allowed = files.filter(({ expected }) => expected === undefined);
  test.each(allowed)('$name', ({ name }) => {
    expect(findings(name, undefined)).toEqual([]);
  });
});

test('reports nothing outside the fixture files', () => {
  const known = new Set(files.map(({ name }) => name));
  expect(diagnostics.filter(({ filename }) => !known.has(filename))).toEqual([]);
});
