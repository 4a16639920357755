import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../errors/app-error.ts';
import { bundledModel } from './bundled-model.ts';
import { convertModel, locateModelPackage, type ModelFiles } from './convert-model.ts';

/** A model folder that is ready to be loaded. */
export interface PreparedModel {
  readonly folder: string;
  readonly modelId: string;
  readonly dimension: number;
  readonly maxTokens: number;
}

export type PrepareProgress = 'reused' | 'converting' | 'converted';

export interface PrepareOptions {
  /** Where converted models live; made when absent. May be read-only once it holds the model. */
  readonly cacheDir: string;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

const manifestFile = 'manifest.json';
const manifestSchema = z.record(z.string(), z.string());

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** One digest over all files, the names included. */
export function digestModel(files: ModelFiles): string {
  return sha256(
    Buffer.from(JSON.stringify([...files].map(([name, content]) => `${name} ${sha256(content)}`).toSorted())),
  );
}

/** Whether the folder holds every file of its manifest, unchanged: about 20 ms, and a torn copy is never loaded. */
async function isIntact(folder: string): Promise<boolean> {
  try {
    const json: unknown = JSON.parse(await readFile(path.join(folder, manifestFile), 'utf8'));
    const manifest = Object.entries(manifestSchema.parse(json));
    const intact = manifest.map(async ([name, digest]) => sha256(await readFile(path.join(folder, name))) === digest);
    return manifest.length > 0 && (await Promise.all(intact)).every(Boolean);
  } catch {
    return false;
  }
}

async function writeModel(folder: string, files: ModelFiles): Promise<void> {
  for (const [name, content] of files) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  const manifest = Object.fromEntries([...files].map(([name, content]) => [name, sha256(content)]));
  await writeFile(path.join(folder, manifestFile), JSON.stringify(manifest));
}

/** Puts `temporary` in the place of `folder`; a process that got there first with a good copy wins. */
async function publish(temporary: string, folder: string): Promise<void> {
  try {
    await rename(temporary, folder);
  } catch (error) {
    if (await isIntact(folder)) return;
    const broken = `${folder}.broken-${randomUUID()}`;
    await rename(folder, broken).catch(() => {
      throw error;
    });
    await rename(temporary, folder);
    await rm(broken, { recursive: true, force: true });
  }
}

async function convertInto(folder: string): Promise<void> {
  const temporary = `${folder}.${randomUUID()}.tmp`;
  try {
    // Before the work, so that a folder that cannot be written is found out at once.
    await mkdir(temporary, { recursive: true });
    const files = await convertModel(await locateModelPackage());
    await writeModel(temporary, files);
    await publish(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/**
 * Converts the bundled model into `cacheDir` once and reuses it from then on. Safe when several processes do it at
 * the same time: each writes aside and renames.
 *
 * @throws AppError `embedding_unavailable` when the package cannot be read or the folder cannot be written.
 */
export async function prepareBundledModel({ cacheDir, onProgress }: PrepareOptions): Promise<PreparedModel> {
  const { modelId, dimension, maxTokens, outputDigest } = bundledModel;
  const folder = path.resolve(cacheDir, `use-lite-en-int8-${outputDigest}`);
  const prepared = { folder, modelId, dimension, maxTokens };
  if (await isIntact(folder)) {
    onProgress?.('reused');
    return prepared;
  }
  try {
    onProgress?.('converting');
    await convertInto(folder);
  } catch (cause) {
    const message = `The bundled embedding model could not be prepared in ${folder}: the folder must be writable, and ${bundledModel.packageName} installed.`;
    throw new AppError('embedding_unavailable', message, { cause });
  }
  onProgress?.('converted');
  return prepared;
}
