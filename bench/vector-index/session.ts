import { readFileSync } from 'node:fs';
import { Client } from 'pg';

/** One connection, and what its server process has used. */
export interface Session {
  readonly client: Client;
  /** CPU seconds of the server process so far when it runs on this machine, else the time of the clock. */
  readonly used: () => number;
  readonly end: () => Promise<void>;
}

// USER_HZ: 100 on every Linux that Node runs on.
const ticksPerSecond = 100;

export async function openSession(url: string): Promise<Session> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`set jit = off; set max_parallel_workers_per_gather = 0; set max_parallel_maintenance_workers = 0;
                      set maintenance_work_mem = '1GB'`);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid ?? 0;
  const isHere = cpuSeconds(pid) !== undefined;
  return {
    client,
    used: () => (isHere ? (cpuSeconds(pid) ?? 0) : performance.now() / 1000),
    end: () => client.end(),
  };
}

/** Fields 14 and 15 of proc(5)'s stat; undefined unless the process is PostgreSQL's and here. */
function cpuSeconds(pid: number): number | undefined {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('postgres')) return undefined;
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}
