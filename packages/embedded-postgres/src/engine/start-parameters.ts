import { PGlite } from '@electric-sql/pglite';

/** What differs from PostgreSQL's defaults: one process, few clients, a machine that does other work too. */
const commonSettings = {
  shared_buffers: '64MB',
  // PGlite starts with `public` alone.
  search_path: '"$user", public',
  // There is no background process to write checkpoints (see maintenance): keep few files of the log for reuse.
  min_wal_size: '32MB',
  max_wal_size: '128MB',
  // What the engine logs goes into error messages: its own state, no statements and no values of clients.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
} as const;

/** With a folder, commits have to reach the disk; PGlite's file system has `fsync` alone (see DurableNodeFs). */
const durableSettings = { fsync: 'on', wal_sync_method: 'fsync', synchronous_commit: 'on' } as const;

/** In memory, buffers are a second copy of the data, and the log serves only a start from a dump. */
const memorySettings = { shared_buffers: '32MB', min_wal_size: '2MB', max_wal_size: '32MB' } as const;

/** Arguments of initdb for a cluster in memory: log files of 1 MB, which a dump has one or two of. */
export const memoryInitdbArguments = ['--wal-segsize=1', '--no-data-checksums'];

/** Switches fsync off. PGlite sets it by default. */
const noFsync = '-F';

/** The command line of the engine. Settings given by the caller win, since the last one counts. */
export function startParameters(durable: boolean, settings: Readonly<Record<string, string>>): string[] {
  const defaults = PGlite.defaultStartParams.filter((parameter) => !durable || parameter !== noFsync);
  const all = { ...commonSettings, ...(durable ? durableSettings : memorySettings), ...settings };
  return [...defaults, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
