import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

// USER_HZ: 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

/** From Linux's /proc; other systems, and processes of other machines, have none of it. */
interface Stat {
  readonly parent: number;
  readonly cpuSeconds: number;
  /** Of children that have ended. */
  readonly childrenCpuSeconds: number;
}

/** Fields 4 and 14 to 17 of proc(5)'s stat; the name in front may hold spaces. */
function statOf(path: string | number): Stat | undefined {
  const text = read(`/proc/${path}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const seconds = (first: number): number => (Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond;
  return { parent: Number(fields[1]), cpuSeconds: seconds(11), childrenCpuSeconds: seconds(13) };
}

/** CPU seconds of a process, all its threads; 0 when it is not to be seen. */
export function cpuSecondsOf(pid: number): number {
  return statOf(pid)?.cpuSeconds ?? 0;
}

/** Of the first thread alone: where a Node process runs its JavaScript. */
export function cpuSecondsOfMainThread(pid: number): number {
  return statOf(`${pid}/task/${pid}`)?.cpuSeconds ?? 0;
}

/** The same with its children, those included that have ended: what a PostgreSQL server has used in all. */
export function cpuSecondsOfFamily(pid: number): number {
  const own = statOf(pid);
  if (own === undefined) return 0;
  return childrenOf(pid).reduce((sum, child) => sum + cpuSecondsOf(child), own.cpuSeconds + own.childrenCpuSeconds);
}

/** Memory of a process that is in RAM, shared pages included. */
export function rssMbOf(pid: number): number {
  return statusMb(pid, 'VmRSS');
}

/** Memory of a process and its children that is theirs alone: without PostgreSQL's buffers, which all of them share. */
export function ownMbOfFamily(pid: number): number {
  return [pid, ...childrenOf(pid)].reduce((sum, member) => sum + statusMb(member, 'RssAnon'), 0);
}

/** Whether a backend runs here: its title or its program says so; the number may be that of somebody else's process. */
export function isPostgres(backendPid: number): boolean {
  return read(`/proc/${backendPid}/cmdline`)?.includes('postgres') === true;
}

/** The server that a backend belongs to; undefined when it runs elsewhere. */
export function postgresPidOf(backendPid: number): number | undefined {
  return isPostgres(backendPid) ? statOf(backendPid)?.parent : undefined;
}

function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((candidate) => statOf(candidate)?.parent === pid);
}

function statusMb(pid: number, field: 'VmRSS' | 'RssAnon'): number {
  const line = read(`/proc/${pid}/status`)?.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  return Math.round(Number(line?.[1] ?? 0) / 102.4) / 10;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** The process of a Redis server, as its `INFO` says. Only without password and TLS. */
export async function redisPidOf(url: string): Promise<number | undefined> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
  let answer = '';
  socket.setEncoding('utf8').on('error', reject);
  socket.on('end', () => resolve(undefined));
  socket.on('data', (chunk: string) => {
    answer += chunk;
    const found = /^process_id:(\d+)\r$/m.exec(answer)?.[1];
    if (found !== undefined || answer.startsWith('-')) resolve(found === undefined ? undefined : Number(found));
  });
  socket.write('INFO server\r\n');
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
