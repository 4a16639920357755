/** Load over HTTP on any deployment: `pnpm bench:load --help`. */
import { readFile } from 'node:fs/promises';
import { createMessages, firstNumber } from '../harness/messages.ts';
import { readOptions } from '../harness/options.ts';
import { runClosedLoop } from './closed-loop.ts';
import { runImport } from './import-stream.ts';
import { parseMix } from './mix.ts';
import { runOpenLoop } from './open-loop.ts';
import { Outcomes } from './outcomes.ts';
import { printReport, writeReport, type LoadReport } from './report.ts';

const about = `Load on a running memory-layer.

  pnpm bench:load --key KEY [--url http://127.0.0.1:8000] [options]

Rate limits of the target count: set them high, or read the 429s in the table.`;

const { key, out, ...plan } = readOptions(about, {
  url: { text: 'http://127.0.0.1:8000', help: 'the deployment' },
  key: { text: undefined, help: 'good for all tenants (MEMORY_API_KEY)' },
  mix: { text: 'single=70,batch=5,search=25', help: 'kinds of requests and their shares' },
  clients: { number: 100, help: 'connections; each sends its next request when it has its answer (closed loop)' },
  rate: {
    number: undefined,
    help: 'requests a second, sent whatever the target does (open loop); at most clients connections',
  },
  requests: { number: undefined, help: 'end after so many requests instead of --seconds (closed loop)' },
  seconds: { number: 10, help: 'how long to measure' },
  warmup: { number: 2, help: 'seconds before that, not counted' },
  batchSize: { number: 100, help: 'messages of a batch' },
  import: { number: undefined, help: 'one NDJSON stream of so many lines instead of requests' },
  tenants: { number: 8, help: 'tenants the messages are for: the key must be good for all' },
  searches: {
    text: undefined,
    help: 'file of bodies of searches, one a line, taken in turn; made of messages without it',
  },
  first: { number: undefined, help: 'number of the first message; messages of the same number are equal' },
  window: { number: undefined, help: 'seconds of a point in time of the report; a hundredth of the time without it' },
  out: { text: undefined, help: 'folder for load.json and load.svg' },
});

async function measure(): Promise<Pick<LoadReport, 'load' | 'import'> & Pick<LoadReport['generator'], 'latenessMs'>> {
  const { url, rate, requests, batchSize, clients } = plan;
  const target = { url, apiKey: key ?? process.env['MEMORY_API_KEY'] ?? '' };
  const source = { messages: createMessages(plan.tenants), firstMessage: plan.first ?? firstNumber() };
  if (plan.import !== undefined) return { import: await runImport(target, { ...source, lines: plan.import }) };
  const warmupSeconds = requests === undefined ? plan.warmup : 0;
  const windowSeconds = plan.window ?? Math.max(0.25, plan.seconds / 100);
  const seconds = plan.seconds + warmupSeconds;
  const searches = plan.searches === undefined ? undefined : (await readFile(plan.searches, 'utf8')).trim().split('\n');
  const shape = { ...source, mix: parseMix(plan.mix), batchSize, searches, clients };
  const outcomes = new Outcomes({ warmupSeconds, windowSeconds });
  if (rate !== undefined) {
    const latenessMs = await runOpenLoop(target, { ...shape, rate, seconds }, outcomes);
    return { load: outcomes.result(), latenessMs };
  }
  await runClosedLoop(target, { ...shape, until: requests === undefined ? { seconds } : { requests } }, outcomes);
  return { load: outcomes.result() };
}

const startedAt = new Date().toISOString();
const { latenessMs, ...measured } = await measure();
const { user, system } = process.cpuUsage();
const report: LoadReport = {
  url: plan.url,
  startedAt,
  plan,
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
