import { afterAll, describe, expect, test } from 'vitest';
import type { Attack } from './attack.ts';
import { measureAttack, type Measurement } from './measure-attack.ts';
import type { ProbeKind, ProbeReport } from './probe-report.ts';
import { startTarget, type TargetProcess } from './target-process.ts';

// The machine is shared, and a process may wait for its turn whatever this one does. So an attack whose limits are
// passed is repeated against a new process, and must keep them once: a block that a request causes, it causes each time.
const maxRuns = Number(process.env['ABUSE_MAX_RUNS'] ?? 3);
const eventLoopLimitMs = 100;
const defaultMemoryMb = 400;

/**
 * A test for each attack: the victim is answered as before, within the limit; the process keeps its event loop and its
 * memory; and every request of the attacker ends in one of the ways that are right for it.
 *
 * @param module URL of the module that exports the attacks in a list named `attacks`.
 */
export function testAttacks(title: string, module: string, attacks: readonly Attack[]): void {
  describe(title, () => {
    let target: TargetProcess | undefined;
    let settings = '';
    afterAll(() => target?.kill());

    /** The process as it is, unless the attack wants other settings or the last one has left it in doubt. */
    async function targetFor(attack: Attack): Promise<TargetProcess> {
      const wanted = JSON.stringify([attack.env, attack.log]);
      if (target?.isRunning() && settings === wanted && (await target.isQuiet().catch(() => false))) {
        return target;
      }
      await target?.kill();
      target = undefined;
      settings = wanted;
      target = await startTarget(attack);
      return target;
    }

    test.for(attacks)('$name', async (attack, { task }) => {
      let faults: readonly string[] = ['not run'];
      for (let runs = 1; runs <= maxRuns && faults.length > 0; runs += 1) {
        const running = await targetFor(attack);
        const measured = await measureAttack(running, attack, module);
        faults = [...(await faultsOf(running, attack, measured)), ...(await stopFaults(running, attack))];
        task.meta.attack = { ...measured, runs, faults };
        if (faults.length > 0) settings = 'in doubt';
      }
      expect(faults).toEqual([]);
    });
  });
}

/** A process whose log nobody reads ends as any other, within its deadline. */
async function stopFaults(target: TargetProcess, { log }: Attack): Promise<string[]> {
  if (log === undefined) return [];
  const code = await target.stop();
  return code === 0 ? [] : [`it ended with ${code}`];
}

async function faultsOf(target: TargetProcess, attack: Attack, measured: Measurement): Promise<string[]> {
  const { idle, attacked, outcomes, before, peak } = measured;
  const faults: string[] = [];
  if (measured.endedEarly !== undefined) faults.push(measured.endedEarly);
  const unknown = Object.keys(outcomes).filter((outcome) => !attack.outcomes.includes(outcome));
  if (unknown.length > 0) faults.push(`requests of the attack ended with ${unknown.join(', ')}`);
  const expected = attack.expected ?? attack.outcomes;
  if (!expected.some((outcome) => Object.hasOwn(outcomes, outcome))) {
    faults.push(`none of it was ${expected.join(', ')}`);
  }
  faults.push(...victimFaults(attacked), ...latencyFaults(attack, idle, attacked));
  const { eventLoopMaxMs } = measured;
  if (!(eventLoopMaxMs <= eventLoopLimitMs)) faults.push(`the event loop stood still for ${ms(eventLoopMaxMs)}`);
  const grownMb = peak.residentMb - before.residentMb;
  const limitMb = attack.memoryMb ?? defaultMemoryMb;
  if (grownMb > limitMb) faults.push(`resident memory grew by ${grownMb} MB, more than ${limitMb}`);
  if (!(await target.findsCanary().catch(() => false))) faults.push('a message of the victim is no longer found');
  return faults;
}

/** Whatever the attacker does, the victim is neither refused nor failed. */
function victimFaults(attacked: ProbeReport): string[] {
  return Object.entries(attacked).flatMap(([kind, { outcomes }]) =>
    Object.keys(outcomes)
      .filter((outcome) => !/^2\d\d$/.test(outcome))
      .map((outcome) => `${outcomes[outcome]} of the victim's requests (${kind}) ended with ${outcome}`),
  );
}

function latencyFaults(attack: Attack, idle: ProbeReport, attacked: ProbeReport): string[] {
  const faults: string[] = [];
  const limits = (['list', 'search'] as const).flatMap((kind) => {
    const before = idle[kind]?.latency;
    return attack.latency === undefined || before === undefined ? [] : [{ kind, limit: attack.latency(before) }];
  });
  const check = (kind: ProbeKind, limit: number): void => {
    const p95 = attacked[kind]?.latency.p95 ?? Number.POSITIVE_INFINITY;
    if (p95 > limit) faults.push(`the victim's ${kind} has a p95 of ${ms(p95)}, more than ${ms(limit)}`);
  };
  for (const { kind, limit } of limits) check(kind, limit);
  if (attack.searchableMs !== undefined) check('searchable', attack.searchableMs);
  const livez = attacked.livez?.latency.p99 ?? Number.POSITIVE_INFINITY;
  if (livez > eventLoopLimitMs) faults.push(`/livez has a p99 of ${ms(livez)}, more than ${eventLoopLimitMs} ms`);
  return faults;
}

const ms = (value: number): string => `${Math.round(value)} ms`;
