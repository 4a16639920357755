import type { ClientSession, Unit } from '../session/client-session.ts';

/** Something to run on the engine while nothing else does. */
export interface Task {
  /** The client it is for; undefined: nobody's, to be run outside of transactions. */
  readonly client: ClientSession | undefined;
  /** What the client asks for; undefined: another task. */
  readonly unit?: Unit;
  /** Whether somebody waits for it, so that an idle transaction may be ended for its sake. */
  readonly isAwaited: boolean;
  run(): void | Promise<void>;
}

/**
 * Tasks that wait for the engine. Clients take turns, one task each, in the order in which they came; while a client
 * holds the engine, only its own come out.
 */
export class TaskQueue {
  /** A Map keeps the order of insertion: the first has the next turn. A task of nobody has a turn of its own. */
  readonly #tasks = new Map<ClientSession | symbol, Task[]>();

  push(task: Task): void {
    const key = task.client ?? Symbol('task of nobody');
    const waiting = this.#tasks.get(key);
    if (waiting) waiting.push(task);
    else this.#tasks.set(key, [task]);
  }

  /** The next task, given who holds the engine. */
  take(holder: ClientSession | undefined): Task | undefined {
    const [first] = this.#tasks.keys();
    const key = holder ?? first;
    const waiting = key === undefined ? undefined : this.#tasks.get(key);
    if (key === undefined || waiting === undefined) return undefined;
    this.#tasks.delete(key);
    const [task, ...later] = waiting;
    if (later.length > 0) this.#tasks.set(key, later);
    return task;
  }

  /** Takes out what the client asked for first, if that is wanted. */
  takeUnit(client: ClientSession, isWanted: (unit: Unit) => boolean = () => true): Unit | undefined {
    const waiting = this.#tasks.get(client) ?? [];
    const index = waiting.findIndex((task) => task.unit !== undefined);
    const unit = waiting[index]?.unit;
    if (unit === undefined || !isWanted(unit)) return undefined;
    waiting.splice(index, 1);
    if (waiting.length === 0) this.#tasks.delete(client);
    return unit;
  }

  /** Those who wait. */
  clients(): ClientSession[] {
    return [...this.#tasks.keys()].filter((key) => typeof key !== 'symbol');
  }

  /** Puts a task of a client before its others. */
  putFirst(task: Task & { readonly client: ClientSession }): void {
    this.#tasks.set(task.client, [task, ...(this.#tasks.get(task.client) ?? [])]);
  }

  /** Forgets what a client had asked for. */
  drop(client: ClientSession): void {
    this.#tasks.delete(client);
  }

  /** Whether somebody waits whom the holder keeps from running. */
  hasWaiting(holder: ClientSession): boolean {
    return [...this.#tasks].some(([key, tasks]) => key !== holder && tasks.some((task) => task.isAwaited));
  }
}
