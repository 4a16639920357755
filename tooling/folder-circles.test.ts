import { describe, expect, test } from 'vitest';
import { findFolderCircles, readImports } from './folder-circles.ts';

const importsOf = (folder: string) => readImports(new URL(`../${folder}/`, import.meta.url));

test.each([
  'packages/shared/src',
  'packages/embedded-postgres/src',
  'services/api',
  'services/embed-worker',
  'services/retention-worker',
  'services/standalone',
])('the folders of %s import each other in no circle', (folder) => {
  const imports = importsOf(folder);
  expect(imports.length).toBeGreaterThan(5);
  expect(findFolderCircles(imports)).toEqual([]);
});

describe('a circle of folders', () => {
  const fixture = importsOf('tooling/fixtures/folders');

  test('is found though no two files import each other, and by types alone', () => {
    const [circle, ...others] = findFolderCircles(fixture);
    expect(others).toEqual([]);
    expect(circle).toBe('in ./: plan/plan.ts imports sql/row.ts, sql/run.ts imports plan/limits.ts');
  });

  test('is found between a folder and a file beside it, and below other folders', () => {
    expect(
      findFolderCircles([
        { from: 'api/docs/describe.ts', to: 'api/app.ts' },
        { from: 'api/app.ts', to: 'api/docs/page.ts' },
      ]),
    ).toEqual(['in api/: api/docs/describe.ts imports api/app.ts, api/app.ts imports api/docs/page.ts']);
  });

  test('is not made by a folder that imports the types beside it and is imported by the service beside it', () => {
    expect(
      findFolderCircles([
        { from: 'message/ingest/row.ts', to: 'message/message.ts' },
        { from: 'message/message.service.ts', to: 'message/ingest/row.ts' },
        { from: 'message/message.service.ts', to: 'message/message.ts' },
      ]),
    ).toEqual([]);
  });
});
