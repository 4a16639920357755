import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

const root = fileURLToPath(new URL('../', import.meta.url));
const workflows = globSync('.github/workflows/*.{yml,yaml}', { cwd: root }).map((name) => ({
  name,
  text: readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'),
}));
const scripts = new Set([...Object.keys(manifest.scripts), 'install', 'audit']);

/** The jobs of a workflow as it is laid out: names two spaces in, what belongs to them further in. */
function jobsOf(text: string): { name: string; text: string }[] {
  const [, jobs = ''] = text.split(/^jobs:\n/m);
  return jobs.split(/^(?= {2}\w)/m).map((block) => ({ name: /^ {2}([\w-]+):/.exec(block)?.[1] ?? '', text: block }));
}

/** Every action that is used, as written, its comment included. */
function actionsOf(text: string): string[] {
  return [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map(([, used = '']) => used);
}

const pinned = /^(?<action>[\w.-]+(?:\/[\w.-]+)+)@(?<commit>[0-9a-f]{40}) # v\d+(?:\.\d+){0,2}$/;

describe('security: workflows', () => {
  test('are there to be checked', () => {
    expect(workflows.map(({ name }) => name).toSorted()).toEqual([
      '.github/workflows/ci.yml',
      '.github/workflows/codeql.yml',
    ]);
    expect(workflows.flatMap(({ text }) => jobsOf(text)).length).toBeGreaterThan(8);
    expect(workflows.flatMap(({ text }) => actionsOf(text)).length).toBeGreaterThan(15);
  });

  test.each(workflows)('$name names every action by its commit, and the release that it is', ({ text }) => {
    expect(actionsOf(text).filter((used) => !pinned.test(used))).toEqual([]);
  });

  test('name every action by one commit', () => {
    const used = new Set(workflows.flatMap(({ text }) => actionsOf(text)));
    // Those of one repository are one release.
    const repositories = [...used].map((one) => one.split(/[/@]/, 2).join('/'));
    const commits = new Map([...used].map((one, index) => [repositories[index], pinned.exec(one)?.groups?.['commit']]));
    const differing = [...used].filter((one, index) => !one.includes(commits.get(repositories[index]) ?? 'none'));
    expect(differing).toEqual([]);
  });

  test.each(workflows)('$name may do nothing but what its jobs say', ({ text }) => {
    expect(text).toMatch(/^permissions: \{\}$/m);
    const namesOf = (jobs: readonly { name: string }[]) => jobs.map(({ name }) => name);
    const jobs = jobsOf(text);
    expect(namesOf(jobs.filter((job) => !/^ {4}permissions:\n(?: {6}.+\n)+/m.test(job.text)))).toEqual([]);
    expect(namesOf(jobs.filter((job) => !/^ {4}timeout-minutes: \d+$/m.test(job.text)))).toEqual([]);
    expect(text).not.toMatch(/write-all|contents: write|id-token/);
  });

  test.each(workflows)('$name has no secrets, and leaves no credentials to what it runs', ({ text }) => {
    expect(text).not.toMatch(/secrets\.|pull_request_target|workflow_run/);
    const checkouts = text.match(/uses: actions\/checkout@/g)?.length;
    expect(text.match(/persist-credentials: false/g)?.length).toBe(checkouts);
    expect(text).toMatch(/^concurrency:\n {2}group: /m);
  });
});

test.each(workflows)('$name runs scripts that exist', ({ text }) => {
  const suites = /suite: \[(.*)\]/.exec(text)?.[1]?.split(', ') ?? [];
  const run = [...text.matchAll(/pnpm@12 ([\w:-]+)(\$\{\{ matrix\.suite \}\})?/g)].flatMap(([, script = '', isSuite]) =>
    isSuite === undefined ? [script] : suites.map((suite) => script + suite),
  );
  expect(run.filter((script) => !scripts.has(script))).toEqual([]);
});
