// Runs a command with TEST_DATABASE_URL: the one that is set, or a throwaway PostgreSQL with pgvector of its own.
//   node tooling/with-postgres.ts [--version 15] [--durable] vitest run --project db
// Tests do not wait for the disk; what measures does (--durable).
import { postgresPrograms, type PostgresMajor } from './servers/postgres-programs.ts';
import { startPostgres } from './servers/postgres-server.ts';
import { runBesideServer } from './servers/run-beside-server.ts';

interface Options {
  major: PostgresMajor;
  isDurable: boolean;
}

function parse(args: readonly string[], options: Options): { options: Options; command: readonly string[] } {
  const [first, second, ...rest] = args;
  if (first === '--durable') return parse(args.slice(1), { ...options, isDurable: true });
  if (first !== '--version') return { options, command: args };
  if (second === '15' || second === '17') return parse(rest, { ...options, major: second });
  throw new Error('--version 15 or --version 17');
}

const { options, command } = parse(process.argv.slice(2), { major: '17', isDurable: false });
process.exitCode = await runBesideServer('TEST_DATABASE_URL', command, async (signal) =>
  startPostgres(await postgresPrograms(options.major, signal), signal, options.isDurable),
);
