/**
 * Asks for the victim what an application asks, in a process of its own, and measures how long the answers take.
 * Every 20 ms one request to `/livez`, each on a new connection, and one of the victim's key: listings, searches and
 * posts in turn. A request that is due is sent whether those before have been answered or not, up to a bound for each
 * kind; one beyond it counts as waiting until there is room, so that a standstill counts in full.
 */
import { Agent, request, type RequestOptions } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { latencyOf, type ProbeKind, type ProberCommand, type ProberOptions, type ProbeReport } from './probe-report.ts';

const tickMs = 20;
const turns: readonly ProbeKind[] = ['list', 'search', 'list', 'post', 'list'];
const ticksBetweenSearchable = 25;
const maxUnderWay = 4;
const patienceMs = 20_000;
const lastAnswersMs = 3000;

interface Recorded {
  readonly samples: number[];
  readonly outcomes: Record<string, number>;
  readonly underWay: Set<number>;
  /** When probes were due that found no room. */
  readonly waiting: number[];
}

const options = JSON.parse(process.argv[2] ?? '') as ProberOptions;
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const kinds: readonly ProbeKind[] = [
  'livez',
  'list',
  'search',
  'post',
  ...(options.watchesSearchable ? (['searchable'] as const) : []),
];
let recorded = emptyRecords();
let ticks = 0;
let timer: NodeJS.Timeout | undefined;

function emptyRecords(): Map<ProbeKind, Recorded> {
  return new Map(
    kinds.map((kind) => [kind, { samples: [], outcomes: {}, underWay: new Set<number>(), waiting: [] }] as const),
  );
}

function probe(kind: ProbeKind): void {
  const record = recorded.get(kind);
  if (record === undefined) return;
  const due = performance.now();
  if (record.underWay.size >= maxUnderWay) {
    record.waiting.push(due);
    return;
  }
  record.underWay.add(due);
  send(kind, (outcome) => {
    record.underWay.delete(due);
    record.samples.push(performance.now() - due);
    record.outcomes[outcome] = (record.outcomes[outcome] ?? 0) + 1;
    for (const waitedFrom of record.waiting.splice(0)) record.samples.push(performance.now() - waitedFrom);
  });
}

function send(kind: ProbeKind, done: (outcome: string) => void): void {
  const { path, body, headers } = requestOf(kind);
  let isDone = false;
  const finish = (outcome: string): void => {
    if (isDone) return;
    isDone = true;
    done(outcome);
  };
  const sent: RequestOptions = {
    port: options.port,
    host: '127.0.0.1',
    path,
    method: body === undefined ? 'GET' : 'POST',
    headers,
    agent: kind === 'livez' ? false : agent,
    timeout: patienceMs,
  };
  const outgoing = request(sent, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += kind === 'searchable' ? chunk : ''));
    response.on('end', () => finish(outcomeOf(kind, response.statusCode ?? 0, text)));
    response.on('error', () => finish('broken'));
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? 'broken'));
  outgoing.on('timeout', () => outgoing.destroy());
  outgoing.end(body);
}

function outcomeOf(kind: ProbeKind, status: number, text: string): string {
  if (kind !== 'searchable' || status >= 300) return String(status);
  return text.includes('"embedding_status":"completed"') ? String(status) : 'not searchable in time';
}

function requestOf(kind: ProbeKind): { path: string; body?: string; headers: Record<string, string> } {
  const headers = { 'x-api-key': options.key };
  if (kind === 'livez') return { path: '/livez', headers: {} };
  if (kind === 'list') return { path: '/v1/messages?limit=20', headers };
  // A query that comes again and again, as a page that is opened again does: its vector is remembered.
  if (kind === 'search') return { path: '/v1/memory/search?query=apples+in+the+garden&top_k=5', headers };
  const content = `The victim notes ${ticks} things about the garden on ${Date.now()}.`;
  return {
    path: '/v1/messages',
    body: JSON.stringify({ conversation_id: 'notes', role: 'user', content }),
    headers: {
      ...headers,
      'content-type': 'application/json',
      ...(kind === 'searchable' ? { prefer: 'wait=14' } : {}),
    },
  };
}

function tick(): void {
  const turn = turns[ticks % turns.length];
  probe('livez');
  if (turn !== undefined) probe(turn);
  if (ticks % ticksBetweenSearchable === 0) probe('searchable');
  ticks += 1;
}

/** What was measured; what is still under way counts with the time that it has waited so far. */
function report(): ProbeReport {
  const now = performance.now();
  return Object.fromEntries(
    Array.from(recorded, ([kind, { samples, outcomes, underWay, waiting }]) => {
      const unanswered = underWay.size;
      const waited = [...underWay, ...waiting].map((due) => now - due);
      const counted = unanswered === 0 ? outcomes : { ...outcomes, unanswered };
      return [kind, { latency: latencyOf([...samples, ...waited]), outcomes: counted }];
    }),
  );
}

const isUnderWay = (): boolean => Array.from(recorded.values()).some(({ underWay }) => underWay.size > 0);

/** Waits for the answers that are still to come, and not for ever. */
async function end(): Promise<void> {
  clearInterval(timer);
  timer = undefined;
  for (const deadline = Date.now() + lastAnswersMs; isUnderWay() && Date.now() < deadline;) await sleep(20);
  process.send?.(report());
}

process.on('message', (command: ProberCommand) => {
  if (command === 'end') return void end();
  recorded = emptyRecords();
  timer ??= setInterval(tick, tickMs);
});
process.on('disconnect', () => process.exit(0));
