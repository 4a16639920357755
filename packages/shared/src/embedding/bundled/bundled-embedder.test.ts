import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { describeEmbedder } from '../testing/embedder.contract.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { dot } from '../vector.ts';
import { createBundledEmbedder } from './bundled-embedder.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const cacheDir = temporaryFolder();

describeEmbedder('bundled', () => createBundledEmbedder({ cacheDir, threads: 1 }));

test('reads white space of any kind as a single space', async () => {
  const embedder = createBundledEmbedder({ cacheDir, threads: 0 });
  await embedder.start();
  try {
    const [plain, broken] = await embedder.embed(['milk, eggs and bread', ' milk,\n eggs\t and  bread\r\n'], {
      kind: 'passage',
    });
    expect(dot(plain ?? new Float32Array(), broken ?? new Float32Array())).toBeGreaterThan(0.999);
  } finally {
    await embedder.stop();
  }
});

test('lets the process exit cleanly when it is stopped with batches queued', async () => {
  const script = fileURLToPath(new URL('../testing/stop-while-queued.ts', import.meta.url));
  // Rejects on any exit code but 0; a thread that is torn down inside native code would give 134.
  const { stdout } = await promisify(execFile)(process.execPath, [script, cacheDir]);
  const { fulfilled, rejected, unsettled } = z.record(z.string(), z.int()).parse(JSON.parse(stdout));
  expect(fulfilled).toBeGreaterThan(0);
  expect(rejected).toBeGreaterThan(0);
  expect(unsettled).toBe(0);
});
