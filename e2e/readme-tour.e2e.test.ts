import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiClient } from './api-client.ts';
import { renderTour, runInShell, show, TourIds } from './readme-tour.ts';
import { makeDataDir, startStandalone, type StandaloneProcess } from './standalone-process.ts';

const readme = fileURLToPath(new URL('../README.md', import.meta.url));

let folder: Awaited<ReturnType<typeof makeDataDir>>;
let server: StandaloneProcess;
beforeAll(async () => {
  folder = await makeDataDir();
  server = await startStandalone({ dataDir: folder.path });
});
afterAll(async () => {
  await server.kill('SIGTERM');
  await folder.remove();
});

// With -u the answers of this run are written into README.md.
test('the tour of README.md is answered as it says', async ({ skip }) => {
  skip(spawnSync('bash', ['-c', 'command -v curl']).status !== 0, 'no bash or no curl here');
  const api = createApiClient(server);
  const ids = new TourIds();
  const seen: { readonly wanted: string; readonly is: string }[] = [];
  const page = await renderTour(await readFile(readme, 'utf8'), async (step) => {
    // A reader is slower than the model.
    await api.waitUntilSettled('acme');
    const { statuses, output } = await runInShell(ids.toReal(step.command), server);
    seen.push({ wanted: step.statuses, is: statuses });
    return show(output, step, ids);
  });
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.map(({ is }) => is)).toEqual(seen.map(({ wanted }) => wanted));
  await expect(page).toMatchFileSnapshot(readme);
});
