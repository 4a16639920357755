import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import openApi from '../docs/openapi.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };
import { apiServiceEnv } from '../services/api/config.ts';
import { embedWorkerServiceEnv } from '../services/embed-worker/config.ts';
import { retentionServiceEnv } from '../services/retention-worker/config.ts';
import { standaloneEnv } from '../services/standalone/config.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root }).map((name) => ({
  name,
  text: readFileSync(join(root, name), 'utf8'),
}));

/** Names that belong to clients of the API, in examples. */
const clientVariables = ['MEMORY_URL', 'MEMORY_API_KEY'];
/** Commands of pnpm itself. */
const pnpmCommands = ['exec', 'install', 'pack', 'run'];
/** Of one process and of every service. */
const variables = { ...standaloneEnv, ...apiServiceEnv, ...embedWorkerServiceEnv, ...retentionServiceEnv };
const paths: Readonly<Record<string, object>> = openApi.paths;

/** Everything the pattern's first group finds, as `page: found`, unless it holds. */
function findWrong(pattern: RegExp, holds: (found: string, page: string) => boolean) {
  const cited = pages.flatMap(({ name, text }) =>
    [...text.matchAll(pattern)].map(([, found = '']) => ({ name, found })),
  );
  return {
    count: cited.length,
    wrong: cited.filter(({ name, found }) => !holds(found, name)).map(({ name, found }) => `${name}: ${found}`),
  };
}

/** Names of headings in links, as GitHub makes them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (?<title>.+)$/gm)].map(({ groups: { title = '' } = {} }) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('what the documentation cites exists', () => {
  test('files and folders, in links', () => {
    const { count, wrong } = findWrong(/\]\((?!https?:|#)(?<target>[^)#\s]+)/g, (target, page) =>
      existsSync(join(root, dirname(page), target)),
    );
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test('headings, in links', () => {
    const { count, wrong } = findWrong(/\]\((?<target>(?!https?:)[^)\s]*#[^)\s]+)\)/g, (target, page) => {
      const [file = '', heading = ''] = target.split('#');
      const path = file === '' ? page : join(dirname(page), file);
      return headingsOf(pages.find(({ name }) => name === path)?.text ?? '').includes(heading);
    });
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test('files and folders, in code', () => {
    const { count, wrong } = findWrong(
      /`(?<path>(?:services|packages|migrations|bench|e2e|examples|tooling|docs|deploy)(?:\/[\w.@-]+)*)`/g,
      (path) => existsSync(join(root, path)),
    );
    expect(count).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  test('variables', () => {
    const known = new Set([...Object.keys(variables), ...clientVariables]);
    const { count, wrong } = findWrong(/\b(?<name>MEMORY_\w+)/g, (name) => known.has(name));
    expect(count).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });

  test('settings of docs/configuration.md, with their defaults', () => {
    const example = readFileSync(join(root, '.env.example'), 'utf8');
    const lines = [...example.matchAll(/^(?<mark>#?)(?<name>[A-Z_]+)=(?<value>.*)$/gm)];
    const defaults = new Map(
      lines.map(({ groups }) => {
        const { mark, name = '', value = '' } = groups ?? {};
        return [name, mark === '#' ? '—' : value];
      }),
    );
    const page = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(?<name>[A-Z_]+)` +\| (?<value>\S+) +\|/gm)];
    const wrong = rows.flatMap(({ groups: { name = '', value = '' } = {} }) => {
      const documented = value === 'empty' ? '' : value.replaceAll('`', '');
      return defaults.get(name) === documented ? [] : [`${name}: ${documented}, not ${defaults.get(name)}`];
    });
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.length).toBe([...page.matchAll(/^\| `MEMORY_/gm)].length);
    expect(wrong).toEqual([]);
  });

  test('calls of the API', () => {
    const { count, wrong } = findWrong(/\b(?<call>(?:GET|POST|PUT|PATCH|DELETE) \/[\w/{}.-]*[\w}])/g, (call) => {
      const [method = '', path = ''] = call.split(' ');
      return method.toLowerCase() in (paths[path] ?? {});
    });
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  test('scripts of the workspace', () => {
    const known = new Set([...Object.keys(manifest.scripts), ...pnpmCommands]);
    const { count, wrong } = findWrong(/(?:`|npx )pnpm(?:@12)? (?<script>[a-z][\w:-]*)/g, (script) =>
      known.has(script),
    );
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  const page = pages.find(({ name }) => name === 'ARCHITECTURE.md')?.text ?? '';

  test('can be read in one go', () => {
    expect(Buffer.byteLength(page)).toBeLessThanOrEqual(12_000);
    expect(Buffer.byteLength(page)).toBeGreaterThan(4096);
  });

  test('has diagrams of at most eight files, which it names in the text', () => {
    const diagrams = [...page.matchAll(/```mermaid\n(?<diagram>[^]*?)```/g)].map(
      ({ groups: { diagram = '' } = {} }) => new Set(diagram.match(/[\w.-]+\.ts/g)),
    );
    expect(diagrams).toHaveLength(3);
    for (const files of diagrams) {
      expect(files.size).toBeGreaterThan(4);
      expect(files.size).toBeLessThanOrEqual(8);
      expect([...files].filter((file) => !page.includes(`/${file}\``))).toEqual([]);
    }
  });
});
