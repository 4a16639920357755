import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveToServer } from './servers.ts';

/** A file system of its own that can be filled up. */
export interface SmallDisk {
  /** Empty, and the database server's. */
  readonly folder: string;
  fill(): void;
  free(): void;
  remove(): void;
}

export interface SmallDiskOptions {
  readonly megabytes: number;
  /** A small file system that is there already, for processes that may not mount one. */
  readonly mountPoint: string | undefined;
}

const chunk = Buffer.alloc(1 << 20);
// What is larger was not made to be filled up.
const largestBytes = 4 * 2 ** 30;

/** @returns undefined where there is none: mounting takes root, and more rights than a container has. */
export function openSmallDisk({ megabytes, mountPoint }: SmallDiskOptions): SmallDisk | undefined {
  const root = mkdtempSync(join(mountPoint ?? tmpdir(), 'memory-layer-disk-'));
  const isMounted = mountPoint === undefined && mount(root, megabytes);
  const { blocks, bsize } = statfsSync(root);
  if ((mountPoint === undefined && !isMounted) || blocks * bsize > largestBytes) {
    rmSync(root, { recursive: true });
    return undefined;
  }
  chmodSync(root, 0o755);
  const folder = join(root, 'data');
  mkdirSync(folder, { mode: 0o700 });
  giveToServer(folder);
  const ballast = join(root, 'ballast');
  return {
    folder,
    fill: () => fillUp(ballast),
    free: () => rmSync(ballast, { force: true }),
    remove() {
      if (isMounted) execFileSync('umount', ['--lazy', root]);
      rmSync(root, { recursive: true });
    },
  };
}

/** In memory. @returns whether that is allowed. */
function mount(folder: string, megabytes: number): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'memory-layer-disk', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function fillUp(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (;;) writeSync(descriptor, chunk);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(descriptor);
  }
}
