import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll } from 'vitest';

/** A folder of its own for one test file, gone when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'memory-layer-embedding-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
