import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, statfs, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidConfiguration } from '@memory-layer/shared/config/load-config';

const mebibyte = 2 ** 20;
// A new database has 45 MiB; it needs room for its first write-ahead log and for the converted model as well.
const roomForNewMiB = 128;
// Two files of the write-ahead log, of which recovery may need one.
const roomToStartMiB = 32;

/**
 * Makes the data folder, and sees to it that it can be written and has room, before anything is begun in it.
 *
 * @throws ConfigError naming the variable.
 */
export async function prepareDataFolder(dataDir: string): Promise<void> {
  const database = join(dataDir, 'postgres');
  const cluster = join(database, 'pgdata');
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, readWrite);
    for (const folder of [database, cluster, join(dataDir, 'models')]) await accessIfThere(folder);
  } catch (error) {
    throw problem(reasonOf(error, dataDir), error);
  }
  const neededMiB = (await accessIfThere(cluster)) ? roomToStartMiB : roomForNewMiB;
  const freeMiB = await readFreeMiB(dataDir);
  if (freeMiB < neededMiB) throw problem(`${dataDir} has ${freeMiB} MiB of room, and ${neededMiB} MiB are needed`);
}

/** Whether what runs on the data folder could start on it as well: the last files of the log are not to be used up. */
export async function hasRoomToRun(dataDir: string): Promise<boolean> {
  return (await readFreeMiB(dataDir)) >= roomToStartMiB;
}

async function readFreeMiB(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / mebibyte);
}

const readWrite = constants.R_OK | constants.W_OK | constants.X_OK;

/** @returns whether the folder is there. @throws when it is, and may not be written. */
async function accessIfThere(folder: string): Promise<boolean> {
  try {
    await access(folder, readWrite);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function problem(text: string, cause?: unknown): Error {
  return invalidConfiguration([`MEMORY_DATA_DIR: ${text}`], { cause });
}

function reasonOf(error: unknown, dataDir: string): string {
  switch (codeOf(error)) {
    case 'EACCES':
    case 'EPERM':
      return `this user may not write to ${dataDir}`;
    case 'EROFS':
      return `${dataDir} is on a file system that is read-only`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `${dataDir} has no room left`;
    // What Node.js says of a folder to be made on a read-only file system.
    case 'ENOENT':
      return `${dataDir} cannot be made: the folder above it cannot be written`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `${dataDir} is not a folder`;
    default:
      return `${dataDir} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * The key of this data folder: made at first start, kept in a file that only its owner can read.
 *
 * @throws when the file exists but does not hold a key.
 */
export async function readOrMakeKey(dataDir: string): Promise<string> {
  const file = join(dataDir, 'api-key');
  try {
    await writeFile(file, `ml_${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const key = (await readFile(file, 'utf8')).trim();
  if (!/^ml_[\w-]{32}$/.test(key)) throw new Error(`${file} does not hold a key: delete it to get a new one`);
  return key;
}
