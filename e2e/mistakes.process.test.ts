import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeDataDir, spawnStandalone } from './standalone-process.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function makeFolder(): Promise<string> {
  const folder = await makeDataDir();
  cleanups.push(() => folder.remove());
  return folder.path;
}

/** A small file system in memory. @returns undefined where this process may not mount one. */
async function mountFolder(options: string): Promise<string | undefined> {
  const folder = await makeFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'memory-layer-e2e', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  cleanups.push(() => execFileSync('umount', ['--lazy', folder]));
  return folder;
}

/** Starts the process, and expects it to end with code 2 and that one line. */
async function expectMistake(dataDir: string, env: Record<string, string>, line: string): Promise<void> {
  const { child, output } = spawnStandalone({ dataDir, env });
  cleanups.push(() => child.kill('SIGKILL'));
  const [code] = await once(child, 'close');
  expect({ code, said: output() }).toEqual({ code: 2, said: `invalid configuration: ${line}\n` });
}

describe('a mistake is one line that names the setting', () => {
  test('a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    cleanups.push(() => other.close());
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const dataDir = join(await makeFolder(), 'data');
    const line = `MEMORY_PORT: port ${port} of 127.0.0.1 is in use; stop what listens there or choose another`;
    await expectMistake(dataDir, { MEMORY_PORT: String(port) }, line);
    // Nothing was begun.
    expect(readdirSync(join(dataDir, '..'))).toEqual([]);
  });

  test('a variable that nothing reads', async () => {
    await expectMistake(
      await makeFolder(),
      { MEMORY_POTR: '1' },
      'MEMORY_POTR: no such setting: did you mean MEMORY_PORT?',
    );
  });

  test('a file in the place of the data folder', async () => {
    const file = join(await makeFolder(), 'data');
    writeFileSync(file, '');
    await expectMistake(file, {}, `MEMORY_DATA_DIR: ${file} is not a folder`);
  });

  test('a data folder without room for a new database', async ({ skip }) => {
    const folder = await mountFolder('size=8m');
    skip(folder === undefined, 'this process may not mount a file system');
    if (folder === undefined) return;
    await expectMistake(folder, {}, `MEMORY_DATA_DIR: ${folder} has 8 MiB of room, and 128 MiB are needed`);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a data folder that is read-only', async ({ skip }) => {
    const folder = await mountFolder('ro,size=8m');
    skip(folder === undefined, 'this process may not mount a file system');
    if (folder === undefined) return;
    await expectMistake(folder, {}, `MEMORY_DATA_DIR: ${folder} is on a file system that is read-only`);
  });

  test('a model that cannot be loaded, and the one that always can', async () => {
    const dataDir = await makeFolder();
    const model = join(dataDir, 'absent');
    const env = { MEMORY_EMBEDDING_PROVIDER: 'transformers', MEMORY_EMBEDDING_MODEL_PATH: model };
    const { child, output } = spawnStandalone({ dataDir, env });
    cleanups.push(() => child.kill('SIGKILL'));
    const [code] = await once(child, 'close');
    expect(code).toBe(2);
    const said = output()
      .split('\n')
      .filter((line) => line.startsWith('invalid configuration'));
    expect(said).toEqual([expect.stringMatching(/^invalid configuration: MEMORY_EMBEDDING_PROVIDER: .*absent/)]);
    expect(said[0]).toMatch(/MEMORY_EMBEDDING_PROVIDER=bundled needs no download\.$/);
    // It did not wait for the database.
    expect(output()).not.toContain('applied migration');
  });
});

test('a disk that is full in the middle of the first start ends it with a reason', async ({ skip }) => {
  const folder = await mountFolder('size=160m');
  skip(folder === undefined, 'this process may not mount a file system');
  if (folder === undefined) return;
  const { child, output } = spawnStandalone({ dataDir: folder });
  cleanups.push(() => child.kill('SIGKILL'));
  // Once it has found room enough, somebody else takes it.
  await expect.poll(output, { timeout: 60_000, interval: 5 }).toContain('making a new one');
  mkdirSync(join(folder, 'other'));
  fillUp(join(folder, 'other', 'ballast'));
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(output()).toMatch(/the embedded database does not start: .*no space left/i);
  expect(output()).not.toContain('[object Object]');
});

function fillUp(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(200 * 2 ** 20));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}
