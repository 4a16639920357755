import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const script = fileURLToPath(new URL('../testing/embed-once.ts', import.meta.url));

// A process of its own, which loads a model.
test('security: the runtime leaves nothing of its usage reports behind', { timeout: 60_000 }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'memory-layer-home-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
  // With reports switched on it keeps an id and a queue under the home folder.
  await promisify(execFile)(process.execPath, ['--conditions=memory-layer-source', script, join(home, 'models')], {
    env: { ...env, HOME: home, XDG_CACHE_HOME: join(home, '.cache') },
  });
  expect(await readdir(home)).toEqual(['models']);
});
