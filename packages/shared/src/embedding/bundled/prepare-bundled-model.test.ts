import { appendFile, chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { bundledModel } from './bundled-model.ts';
import { prepareBundledModel, type PrepareProgress } from './prepare-bundled-model.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = temporaryFolder();

async function prepare(cacheDir: string) {
  const progress: PrepareProgress[] = [];
  const prepared = await prepareBundledModel({ cacheDir, onProgress: (step) => progress.push(step) });
  return { ...prepared, progress };
}

describe('prepareBundledModel', () => {
  const cacheDir = path.join(root, 'not', 'made', 'yet');
  let first: Awaited<ReturnType<typeof prepare>>;

  beforeAll(async () => {
    first = await prepare(cacheDir);
  });

  test('converts once and reuses from then on', async () => {
    expect(first.progress).toEqual(['converting', 'converted']);
    expect(first).toMatchObject({ modelId: bundledModel.modelId, dimension: 512, maxTokens: 128 });
    expect((await prepare(cacheDir)).progress).toEqual(['reused']);
    expect(await readdir(cacheDir)).toEqual([path.basename(first.folder)]);
  });

  test('reuses a folder that it may only read', async () => {
    await chmod(cacheDir, 0o555);
    expect((await prepare(cacheDir)).progress).toEqual(['reused']);
    await chmod(cacheDir, 0o755);
  });

  test('replaces a damaged copy', async () => {
    const onnxFile = path.join(first.folder, bundledModel.onnxFile);
    const good = await readFile(onnxFile);
    await appendFile(onnxFile, 'x');
    expect((await prepare(cacheDir)).progress).toEqual(['converting', 'converted']);
    expect(await readFile(onnxFile)).toEqual(good);
    expect(await readdir(cacheDir)).toEqual([path.basename(first.folder)]);
  });

  test('is safe when several convert at the same time', async () => {
    const shared = path.join(root, 'shared');
    const all = await Promise.all([prepare(shared), prepare(shared), prepare(shared)]);
    expect(new Set(all.map(({ folder }) => folder)).size).toBe(1);
    expect(await readdir(shared)).toEqual([path.basename(first.folder)]);
    expect((await prepare(shared)).progress).toEqual(['reused']);
  });

  test('says what to do when the folder cannot be made', async () => {
    const file = path.join(root, 'file');
    await mkdir(root, { recursive: true });
    await writeFile(file, '');
    await expect(prepare(path.join(file, 'below'))).rejects.toMatchObject({
      code: 'embedding_unavailable',
      message: expect.stringContaining('must be writable'),
    });
  });
});
