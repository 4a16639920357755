import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Attack } from './attack.ts';
import type { AttackerOptions, Outcomes } from './attacker.ts';
import type { ProberOptions, ProbeReport } from './probe-report.ts';
import { keys, type TargetProcess, type Usage } from './target-process.ts';

/** What one run of an attack has shown. */
export interface Measurement {
  readonly idle: ProbeReport;
  readonly attacked: ProbeReport;
  readonly eventLoopMaxMs: number;
  readonly before: Usage;
  readonly peak: Usage;
  readonly after: Usage;
  /** How the requests of the attack ended. */
  readonly outcomes: Outcomes;
  /** Set when the attack was ended before its time, and why. */
  readonly endedEarly: string | undefined;
}

const idleMs = 2500;
const coolDownMs = 1500;
const sampleMs = 100;
const prepareSeconds = 60;
// The machine of the suite has other work, too.
const memoryCeilingMb = 2500;

/** Measures the victim idle and attacked, and the process before, during and after. */
export async function measureAttack(target: TargetProcess, attack: Attack, module: string): Promise<Measurement> {
  const proberOptions = {
    port: target.port,
    key: keys.victim,
    watchesSearchable: attack.searchableMs !== undefined,
  } satisfies ProberOptions;
  const attackerOptions = {
    port: target.port,
    keys,
    module,
    name: attack.name,
    prepareSeconds,
  } satisfies AttackerOptions;
  const prober = start('./prober.ts', proberOptions);
  const attacker = start('./attacker.ts', attackerOptions);
  try {
    await once(attacker, 'message');
    const prepared = await ask<Outcomes>(attacker, 'prepare', prepareSeconds + 10);
    if (prepared === undefined || Object.keys(prepared).length > 0) {
      throw new Error(`the attack could not be prepared: ${Object.keys(prepared ?? {}).join() || 'too late'}`);
    }
    const idle = await probe(prober, () => sleep(idleMs));
    const before = target.usage();
    await target.eventLoopDelayMs();
    const watch = watchUsage(target, () => void attacker.kill('SIGKILL'));
    let outcomes: Outcomes | undefined;
    const attacked = await probe(prober, async () => {
      outcomes = await ask<Outcomes>(attacker, 'run', attack.seconds + 10);
    });
    const eventLoopMaxMs = await target.eventLoopDelayMs().catch(() => Number.POSITIVE_INFINITY);
    await sleep(coolDownMs);
    const { peak, endedEarly } = watch.end();
    return {
      idle,
      attacked,
      eventLoopMaxMs,
      before,
      peak,
      after: target.usage(),
      outcomes: outcomes ?? {},
      endedEarly: endedEarly ?? (outcomes === undefined ? 'the attack did not end by itself' : undefined),
    };
  } finally {
    prober.kill('SIGKILL');
    attacker.kill('SIGKILL');
  }
}

function start(file: string, options: object): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(options)], { execArgv: [] });
}

/** @returns the answer of a child process; undefined when it has ended or is too late. */
async function ask<Answer>(child: ChildProcess, command: string, seconds: number): Promise<Answer | undefined> {
  const done = new AbortController();
  const { signal } = done;
  child.send(command);
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([answer]: Answer[]) => answer),
      once(child, 'exit', { signal }).then(() => undefined),
      sleep(seconds * 1000, undefined, { signal }),
    ]);
  } finally {
    done.abort();
  }
}

async function probe(prober: ChildProcess, during: () => Promise<unknown>): Promise<ProbeReport> {
  prober.send('begin');
  await during();
  const report = await ask<ProbeReport>(prober, 'end', 10);
  if (report === undefined) throw new Error('the prober has not answered');
  return report;
}

function watchUsage(target: TargetProcess, endAttack: () => void) {
  let peak = target.usage();
  let endedEarly: string | undefined;
  const timer = setInterval(() => {
    if (!target.isRunning()) {
      endedEarly ??= 'the process has ended';
      endAttack();
      return;
    }
    const { residentMb, descriptors } = target.usage();
    peak = {
      residentMb: Math.max(peak.residentMb, residentMb),
      descriptors: Math.max(peak.descriptors, descriptors),
    };
    if (residentMb <= memoryCeilingMb || endedEarly !== undefined) return;
    endedEarly = `resident memory passed ${memoryCeilingMb} MB`;
    endAttack();
  }, sampleMs);
  return {
    end() {
      clearInterval(timer);
      return { peak, endedEarly };
    },
  };
}
