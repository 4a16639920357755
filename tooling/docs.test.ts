import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import openApi from '../docs/openapi.json' with { type: 'json' };
import manifest from '../package.json' with { type: 'json' };
import { apiServiceEnv } from '../services/api/config.ts';
import { embedWorkerServiceEnv } from '../services/embed-worker/config.ts';
import { retentionServiceEnv } from '../services/retention-worker/config.ts';
import { standaloneEnv } from '../services/standalone/config.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).map((name) => ({
  name,
  text: readFileSync(join(root, name), 'utf8'),
}));

/** Names that belong to clients of the API, in examples. */
const clientVariables = ['MEMORY_URL', 'MEMORY_API_KEY'];
/** Commands of pnpm itself. */
const pnpmCommands = ['exec', 'install', 'pack'];
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

describe('what the documentation cites exists', () => {
  it('files and folders, in links', () => {
    const { count, wrong } = findWrong(/\]\((?!https?:|#)(?<target>[^)#\s]+)/g, (target, page) =>
      existsSync(join(root, dirname(page), target)),
    );
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it('files and folders, in code', () => {
    const { count, wrong } = findWrong(
      /`(?<path>(?:services|packages|migrations|bench|e2e|examples|tooling|docs|deploy)(?:\/[\w.@-]+)*)`/g,
      (path) => existsSync(join(root, path)),
    );
    expect(count).toBeGreaterThan(50);
    expect(wrong).toEqual([]);
  });

  it('variables', () => {
    const known = new Set([...Object.keys(variables), ...clientVariables]);
    const { count, wrong } = findWrong(/\b(?<name>MEMORY_\w+)/g, (name) => known.has(name));
    expect(count).toBeGreaterThan(20);
    expect(wrong).toEqual([]);
  });

  it('calls of the API', () => {
    const { count, wrong } = findWrong(/\b(?<call>(?:GET|POST|PUT|PATCH|DELETE) \/[\w/{}.-]*[\w}])/g, (call) => {
      const [method = '', path = ''] = call.split(' ');
      return method.toLowerCase() in (paths[path] ?? {});
    });
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it('scripts of the workspace', () => {
    const known = new Set([...Object.keys(manifest.scripts), ...pnpmCommands]);
    const { count, wrong } = findWrong(/(?:`|npx )pnpm(?:@12)? (?<script>[a-z][\w:-]*)/g, (script) =>
      known.has(script),
    );
    expect(count).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });
});
