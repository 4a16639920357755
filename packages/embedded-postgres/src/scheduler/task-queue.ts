import type { ClientSession } from '../session/client-session.ts';

/** Something to run on the engine while nothing else does. */
export interface Task {
  /** The client it is for; undefined: nobody's, to be run outside of transactions. */
  readonly client: ClientSession | undefined;
  /** Whether somebody waits for it, so that an idle transaction may be ended for its sake. */
  readonly isAwaited: boolean;
  run(): void | Promise<void>;
}

/** Tasks in the order of their arrival; while a client holds the engine, only its own come out. */
export class TaskQueue {
  #tasks: Task[] = [];

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** The next task, given who holds the engine. */
  take(holder: ClientSession | undefined): Task | undefined {
    if (!holder) return this.#tasks.shift();
    const index = this.#tasks.findIndex((task) => task.client === holder);
    return index < 0 ? undefined : this.#tasks.splice(index, 1)[0];
  }

  /** Forgets what a client had asked for. */
  drop(client: ClientSession): void {
    this.#tasks = this.#tasks.filter((task) => task.client !== client);
  }

  /** Whether somebody waits whom the holder keeps from running. */
  hasWaiting(holder: ClientSession): boolean {
    return this.#tasks.some((task) => task.isAwaited && task.client !== holder);
  }
}
