// Imports files into a running server over HTTP: `pnpm run import FILE`.
import { parseArgs } from 'node:util';
import { importFile, ImportRefused } from './import-client.ts';
import { openImportFile } from './import-file.ts';
import { Progress } from './progress.ts';

const usage = `pnpm run import [options] FILE...

  --format NAME         what the file is; found out by its shape, when left out (docs/import.md)
  --tenant ID           the tenant, when the key is bound to none
  --conversation ID     the conversation, when the file names none; otherwise the name of the file
  --timezone NAME       of dates without one, such as Europe/Berlin; UTC when left out
  --date-order ORDER    dmy, mdy or ymd, of dates such as 5/6/24
  --dry-run             shows the first ten messages and the counts, and stores nothing
  --url URL             of the server; MEMORY_URL, else http://127.0.0.1:8000
  --key KEY             MEMORY_API_KEY, which does not show in the list of processes

A file can be imported again: what was stored is not stored twice.
`;

const options = {
  format: { type: 'string' },
  tenant: { type: 'string' },
  conversation: { type: 'string' },
  timezone: { type: 'string' },
  'date-order': { type: 'string' },
  'dry-run': { type: 'boolean' },
  url: { type: 'string' },
  key: { type: 'string' },
  help: { type: 'boolean' },
} as const;

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    return process.exit(2);
  }
}

const { values, positionals } = readArguments(process.argv.slice(2).filter((argument) => argument !== '--'));
if (values.help === true || positionals.length === 0) {
  console.error(usage);
  process.exit(values.help === true ? 0 : 2);
}

const isDryRun = values['dry-run'] === true;
const parameters = {
  format: values.format ?? 'auto',
  tenant_id: values.tenant,
  conversation_id: values.conversation,
  timezone: values.timezone,
  date_order: values['date-order'],
  dry_run: isDryRun ? 'true' : undefined,
};
const query = Object.fromEntries(
  Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
);
const target = {
  url: values.url ?? process.env['MEMORY_URL'] ?? 'http://127.0.0.1:8000',
  key: values.key ?? process.env['MEMORY_API_KEY'],
  query,
};

let hasErrors = false;
for (const path of positionals) {
  try {
    const file = await openImportFile(path);
    const progress = new Progress(file, process.stderr);
    await importFile(file, target, {
      outcome(outcome, line) {
        progress.outcome(outcome);
        if (isDryRun) console.log(line);
      },
      sent: (bytes) => progress.sent(bytes),
      retry: (why, answered) => progress.say(`${path}: ${why}. Going on behind message ${answered}.`),
    });
    progress.end();
    hasErrors ||= progress.errors > 0;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    console.error(`${path}: ${error instanceof ImportRefused ? 'refused: ' : ''}${why}`);
    hasErrors = true;
  }
}
process.exitCode = hasErrors ? 1 : 0;
