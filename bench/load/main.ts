/** Load over HTTP on any deployment: `pnpm bench:load --help`. */
import { readFile } from 'node:fs/promises';
import { runClosedLoop } from './closed-loop.ts';
import { runImport } from './import-stream.ts';
import { createMessages, firstNumber } from './messages.ts';
import { runOpenLoop } from './open-loop.ts';
import { parseOptions, usage, type LoadOptions } from './options.ts';
import { Outcomes } from './outcomes.ts';
import { printReport, writeReport, type LoadReport } from './report.ts';

type Measured = Pick<LoadReport, 'load' | 'import'> & Pick<LoadReport['generator'], 'latenessMs'>;

async function measure(options: LoadOptions): Promise<Measured> {
  const { url, apiKey, mix, clients, rate, requests, importLines, batchSize, warmupSeconds, windowSeconds } = options;
  const target = { url, apiKey };
  const messages = createMessages(options.tenants);
  const firstMessage = options.firstMessage ?? firstNumber();
  if (importLines !== undefined) {
    return { import: await runImport(target, { messages, firstMessage, lines: importLines }) };
  }
  const outcomes = new Outcomes({ warmupSeconds, windowSeconds });
  const seconds = options.seconds + warmupSeconds;
  const searches = options.searchesFile === undefined ? undefined : await readLines(options.searchesFile);
  const plan = { mix, messages, firstMessage, batchSize, searches, clients };
  if (rate !== undefined) {
    const latenessMs = await runOpenLoop(target, { ...plan, rate, seconds }, outcomes);
    return { load: outcomes.result(), latenessMs };
  }
  await runClosedLoop(target, { ...plan, until: requests === undefined ? { seconds } : { requests } }, outcomes);
  return { load: outcomes.result() };
}

async function readLines(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}

if (process.argv.includes('--help')) {
  console.log(usage);
} else {
  const options = parseOptions(process.argv.slice(2), process.env['MEMORY_API_KEY']);
  const { apiKey: _, mix, out, ...plan } = options;
  const startedAt = new Date().toISOString();
  const { latenessMs, ...measured } = await measure(options);
  const { user, system } = process.cpuUsage();
  const report: LoadReport = {
    url: options.url,
    startedAt,
    plan: { ...plan, mix: [...mix].map(([kind, share]) => `${kind}=${share}`).join(',') },
    ...measured,
    generator: {
      cpuSeconds: Math.round((user + system) / 1e4) / 100,
      maxRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      ...(latenessMs !== undefined && { latenessMs }),
    },
  };
  printReport(report);
  if (out !== undefined) await writeReport(out, report);
  const errors = (report.load?.errors ?? 0) + (report.import?.errors ?? 0);
  if (errors > 0) console.error(`${errors} errors`);
}
