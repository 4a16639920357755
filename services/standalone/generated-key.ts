import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

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
