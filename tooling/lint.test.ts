import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import config from '../oxlint.config.ts';
import { runTool } from './run-tool.ts';

/** Each fixture says in its first line what oxlint must find in it; without such a line it must be clean. */
const expectation = /^\/\/ expect: (?<finding>.+)$/m;
const fixture = new URL('fixtures/boundaries/', import.meta.url);
const entries = readdirSync(fileURLToPath(fixture), { recursive: true, withFileTypes: true });
const files = entries
  .filter((entry) => entry.isFile())
  .map((entry) => relative(fileURLToPath(fixture), join(entry.parentPath, entry.name)))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.config.ts'))
  .map((name) => ({
    name,
    expected: expectation.exec(readFileSync(new URL(name, fixture), 'utf8'))?.groups?.['finding'],
  }));

interface Diagnostic {
  readonly code?: string;
  readonly message: string;
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
    .map(({ code = 'unknown', message, help = message }) => {
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

/** A rule, or a rule and the message that an option of it has: written as fixtures expect it. */
const configured = new Set(
  [config.rules, ...(config.overrides ?? []).map(({ rules }) => rules)]
    .flatMap((rules) => Object.entries(rules ?? {}))
    .filter(([, setting]) => setting !== 'off')
    .flatMap(([name, setting]) => {
      const rule = name.slice(name.lastIndexOf('/') + 1);
      return [rule, ...messagesIn(setting).map((message) => `${rule}: ${message}`)];
    }),
);

/** The sentences among the options of a rule. */
function messagesIn(setting: unknown): string[] {
  if (typeof setting === 'string') return setting.endsWith('.') ? [setting] : [];
  return typeof setting === 'object' && setting !== null ? Object.values(setting).flatMap(messagesIn) : [];
}

describe('the rules of the configuration and their fixtures', () => {
  const table = [...configured].map((rule) => ({
    rule,
    fixtures: files.filter(({ expected }) => expected === rule || expected?.startsWith(`${rule}: `) === true),
  }));

  test.each(table)('$rule has a fixture', ({ fixtures }) => {
    expect(fixtures.map(({ name }) => name)).not.toEqual([]);
  });

  test('each fixture is of a rule that is configured, with a message that it has', () => {
    expect(files.filter(({ expected }) => expected !== undefined && !configured.has(expected))).toEqual([]);
  });

  test('no folder of fixtures is empty', () => {
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
    expect(folders.length).toBeGreaterThan(0);
    expect(folders.filter((folder) => readdirSync(folder).length === 0)).toEqual([]);
  });
});
