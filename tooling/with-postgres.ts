// Runs a command with TEST_DATABASE_URL: the one that is set, or a throwaway PostgreSQL with pgvector of its own.
//   node tooling/with-postgres.ts [--version 15] vitest run --project db
import { postgresPrograms, type PostgresMajor } from './servers/postgres-programs.ts';
import { startPostgres } from './servers/postgres-server.ts';
import { runBesideServer } from './servers/run-beside-server.ts';

function parse(args: readonly string[]): { major: PostgresMajor; command: readonly string[] } {
  const [first, version, ...rest] = args;
  if (first !== '--version') return { major: '17', command: args };
  if (version === '15' || version === '17') return { major: version, command: rest };
  throw new Error('--version 15 or --version 17');
}

const { major, command } = parse(process.argv.slice(2));
process.exitCode = await runBesideServer('TEST_DATABASE_URL', command, async (signal) =>
  startPostgres(await postgresPrograms(major, signal), signal),
);
