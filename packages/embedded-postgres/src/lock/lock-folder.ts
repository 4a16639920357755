import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A folder that belongs to this process until it lets go or ends. */
export interface FolderLock {
  release(): void;
}

const lockFile = '.lock';
/** Beside the lock: opening and closing the lock's own file would give a POSIX lock back. */
const holderFile = '.lock.pid';
const sqliteBusy = 5;
/** Of several that start at once, all may find it busy at first; none may be kept out for good. */
const patienceMs = 250;

/**
 * Takes a folder, which is made when missing, for this process alone.
 *
 * The lock is the operating system's (fcntl), taken through SQLite, since Node offers none: it ends with its process,
 * however that dies, so none can be stale; two processes cannot both get it; and it holds between containers that
 * share a volume, where process ids mean nothing. The pid is written beside it for the message alone.
 * @see https://www.sqlite.org/lockingv3.html
 * @throws Error that names the folder and the process that holds it
 */
export function lockFolder(folder: string): FolderLock {
  fs.mkdirSync(folder, { recursive: true });
  const database = new DatabaseSync(path.join(folder, lockFile), { timeout: patienceMs });
  try {
    // No journal: nothing is ever written, and a leftover file would need its own lock to be read.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw new Error(`the folder ${folder} cannot be locked: ${String(error)}`, { cause: error });
    throw new Error(`the folder ${folder} is in use by process ${readHolder(folder)}`, { cause: error });
  }
  const release = (): void => {
    process.off('exit', release);
    if (!database.isOpen) return;
    fs.rmSync(path.join(folder, holderFile), { force: true });
    database.close();
  };
  // This also keeps the handle alive: collected as garbage, it would give the lock back.
  process.on('exit', release);
  fs.writeFileSync(path.join(folder, holderFile), String(process.pid));
  return { release };
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === sqliteBusy;
}

function readHolder(folder: string): string {
  try {
    return fs.readFileSync(path.join(folder, holderFile), 'utf8');
  } catch {
    // It has the lock and is about to write its pid, or has just let go.
    return '(unknown)';
  }
}
