import { readdirSync, readFileSync } from 'node:fs';

/** CPU seconds by who used them, so far. */
export interface CpuUse {
  readonly workerMain: number;
  readonly workerThreads: number;
  readonly postgres: number;
  readonly redis: number;
}

export interface Measured {
  readonly workerPid: number;
  /** Of the server, whose children are its backends; undefined when it runs elsewhere. */
  readonly postgresPid: number | undefined;
  /** Undefined when it runs elsewhere. */
  readonly redisPid: number | undefined;
}

// USER_HZ: 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  readonly seconds: number;
}

/** Fields 4, 14 and 15 of proc(5)'s stat; the name in front may hold spaces. */
function statOf(path: string): Stat | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

const seconds = (pid: number): number => statOf(`/proc/${pid}/stat`)?.seconds ?? 0;

/** Parent of a process that runs here. */
export function parentOf(pid: number): number | undefined {
  return statOf(`/proc/${pid}/stat`)?.parent;
}

/** The server and all its children; those that have ended are missing, so connections should last. */
function postgresSeconds(server: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = pids.map((pid) => statOf(`/proc/${pid}/stat`)).filter((stat) => stat?.parent === server);
  return children.reduce((sum, stat) => sum + (stat?.seconds ?? 0), seconds(server));
}

/** The process that calls itself so, as redis-server does with its address. */
export function findByTitle(start: string, end: string): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.find((pid) => {
    const title = titleOf(pid);
    return title.startsWith(start) && title.endsWith(end);
  });
  return found === undefined ? undefined : Number(found);
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

/** What Linux has counted so far; undefined elsewhere. */
export function cpuUse({ workerPid, postgresPid, redisPid }: Measured): CpuUse | undefined {
  if (process.platform !== 'linux') return undefined;
  const workerMain = statOf(`/proc/${workerPid}/task/${workerPid}/stat`)?.seconds ?? 0;
  return {
    workerMain,
    workerThreads: seconds(workerPid) - workerMain,
    postgres: postgresPid === undefined ? 0 : postgresSeconds(postgresPid),
    redis: redisPid === undefined ? 0 : seconds(redisPid),
  };
}

/** Milliseconds of CPU that a message cost, by who used them. */
export function cpuPerMessage(before: CpuUse, after: CpuUse, messages: number): CpuUse {
  const cost = (name: keyof CpuUse): number => Math.round(((after[name] - before[name]) / messages) * 1e6) / 1000;
  return {
    workerMain: cost('workerMain'),
    workerThreads: cost('workerThreads'),
    postgres: cost('postgres'),
    redis: cost('redis'),
  };
}
