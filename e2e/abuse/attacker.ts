/** Runs one attack in a process of its own, that stands back for the process under attack and for the victim. */
import { setPriority } from 'node:os';
import type { Attack, AttackContext, AttackTarget } from './attack.ts';

/** Which attack: the module that exports it in a list named `attacks`, and its name. */
export interface AttackerOptions extends AttackTarget {
  readonly module: string;
  readonly name: string;
  /** Time to store what the attack needs, at most. */
  readonly prepareSeconds: number;
}

/** `prepare` and `run` are answered with how the requests of that phase ended. */
export type AttackerCommand = 'prepare' | 'run';
export type Outcomes = Readonly<Record<string, number>>;

const options = JSON.parse(process.argv[2] ?? '') as AttackerOptions;
setPriority(10);
const { attacks } = (await import(options.module)) as { attacks: readonly Attack[] };
const attack = attacks.find(({ name }) => name === options.name);
if (attack === undefined) throw new Error(`${options.module} has no attack named ${options.name}`);

async function phase(seconds: number, task: ((context: AttackContext) => Promise<void>) | undefined): Promise<void> {
  const outcomes: Record<string, number> = {};
  const count = (outcome: string): void => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  };
  const { port, keys } = options;
  try {
    await task?.({ port, keys, signal: AbortSignal.timeout(seconds * 1000), count });
  } catch (error) {
    // An answer may be part of it, and be long.
    count(`the attack itself failed: ${String(error).slice(0, 300)}`);
  }
  process.send?.(outcomes satisfies Outcomes);
}

process.on('message', (command: AttackerCommand) => {
  void (command === 'prepare' ? phase(options.prepareSeconds, attack.prepare) : phase(attack.seconds, attack.run));
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
