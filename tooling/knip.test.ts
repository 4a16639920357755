import { expect, test } from 'vitest';
import { runTool } from './run-tool.ts';

interface Issue {
  readonly file: string;
  readonly files: readonly { name: string }[];
  readonly exports: readonly { name: string }[];
  readonly dependencies: readonly { name: string }[];
}

test('knip finds the unused file, exports and dependency, and nothing else', async () => {
  const fixture = new URL('fixtures/unused/', import.meta.url);
  const output = await runTool('knip', ['-c', '../../../knip.json', '--reporter', 'json'], fixture);
  const { issues } = JSON.parse(output.split('\n')[0] ?? '') as { issues: readonly Issue[] };
  const found = issues.flatMap(({ file, files, exports, dependencies }) =>
    Object.entries({ files, exports, dependencies }).flatMap(([kind, entries]) =>
      entries.map(({ name }) => `${kind}: ${name} in ${file}`),
    ),
  );
  expect(found.toSorted()).toEqual([
    'dependencies: kysely in packages/shared/package.json',
    'exports: deadExport in packages/shared/src/db/connection.ts',
    'exports: neverImported in packages/shared/src/db/never-imported.ts',
    'files: services/api/orphan.ts in services/api/orphan.ts',
  ]);
}, 60_000);
