import { runSql, type SqlRunner } from '../engine/run-sql.ts';
import { EngineCrash, type WireEngine } from '../engine/wire-engine.ts';
import { ClientSession, type ClientLink, type Unit } from '../session/client-session.ts';
import { greeting } from '../session/greeting.ts';
import { backend, errorFrame, frame } from '../wire/frames.ts';
import { NotificationRouter } from './notification-router.ts';
import { SessionSwitch } from './session-switch.ts';
import { TaskQueue, type Task } from './task-queue.ts';
import { deadlineOf, queryCanceled, timedOut, UnitRunner } from './unit-runner.ts';

export interface MultiplexerOptions {
  readonly idleInTransactionTimeoutMs: number;
  /** What clients prove with that they may cancel a unit. */
  readonly cancelKey: number;
  /** The engine cannot be used any more; nothing else is called afterwards. */
  onCrash(error: unknown): void;
}

/** How often it is looked at whether somebody waits for too long. */
const lateCheckMs = 50;

/**
 * Many clients of PostgreSQL's wire protocol on one engine with one session: a pooler in transaction mode with a pool
 * of one, which also keeps settings, prepared statements and LISTEN with their client. Whole units run one after the
 * other, clients taking turns; from the first unit of a transaction to its last, only its client's run.
 *
 * What cannot be kept apart: temporary tables, session-level advisory locks (they exclude nobody here), cursors WITH
 * HOLD, and statements prepared by SQL's PREPARE.
 */
export class Multiplexer {
  readonly #queue = new TaskQueue();
  readonly #router = new NotificationRouter();
  readonly #sessions = new Set<ClientSession>();
  readonly #idleTransactionTimeout: IdleTransactionTimeout;
  readonly #units: UnitRunner;
  readonly #sql: SqlRunner;
  readonly #greeting: (sessionId: number) => Uint8Array;
  readonly #switch: SessionSwitch;
  readonly #cancelKey: number;
  readonly #onCrash: (error: unknown) => void;
  #holder: ClientSession | undefined;
  #isPumping = false;
  #lateCheck: NodeJS.Timeout | undefined;
  #pumped: Promise<void> = Promise.resolve();
  #nextId = 1;

  constructor(wire: WireEngine, options: MultiplexerOptions) {
    this.#sql = (sql) => runSql(wire, sql, (channel, bytes) => this.#router.deliver(channel, bytes));
    this.#switch = new SessionSwitch(this.#sql);
    this.#units = new UnitRunner(wire, this.#router, this.#switch, this.#sql);
    this.#onCrash = (error) => options.onCrash(error);
    this.#idleTransactionTimeout = new IdleTransactionTimeout(options.idleInTransactionTimeoutMs);
    this.#greeting = greeting(this.#sql, options.cancelKey);
    this.#cancelKey = options.cancelKey;
  }

  /** A new client. Feed it with `receive`; it is over with `close`. */
  connect(link: ClientLink): ClientSession {
    const session: ClientSession = new ClientSession(this.#nextId, link, {
      started: () => {
        session.output.write(this.#greeting(session.id));
        session.output.flush();
      },
      unit: (unit) => this.#enqueue(this.#unitTask(session, unit)),
      terminated: () => this.#enqueue({ client: session, isAwaited: false, run: () => session.close() }),
      cancelRequested: (sessionId, key) => this.#cancelQueued(sessionId, key),
      closed: () => this.#cleanUp(session),
    });
    this.#nextId += 1;
    this.#sessions.add(session);
    return session;
  }

  /** Runs work that somebody waits for when no transaction is open; nothing else runs meanwhile. */
  runBetweenTransactions<T>(work: (sql: SqlRunner) => T | Promise<T>): Promise<T> {
    return this.#runOwn(work, true);
  }

  /** The same for work that nobody waits for: no idle transaction is ended for its sake. */
  runInBackground(work: (sql: SqlRunner) => void): Promise<void> {
    return this.#runOwn(work, false);
  }

  /** Cuts all clients off, as PostgreSQL does in a fast shutdown, and waits until the engine is free. */
  async stop(): Promise<void> {
    for (const session of this.#sessions) session.fail('57P01', 'terminating connection due to administrator command');
    do await this.#pumped;
    while (this.#isPumping);
  }

  #runOwn<T>(work: (sql: SqlRunner) => T | Promise<T>, isAwaited: boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          this.#switch.to(undefined);
          resolve(await work(this.#sql));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
          if (error instanceof EngineCrash) throw error;
        }
      };
      this.#enqueue({ client: undefined, isAwaited, run });
    });
  }

  #enqueue(task: Task): void {
    this.#queue.push(task);
    if (!this.#isPumping) this.#pumped = this.#pump().catch(this.#onCrash);
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    clearInterval(this.#lateCheck);
    for (let task = this.#queue.take(this.#holder); task; task = this.#queue.take(this.#holder)) {
      if (task.client === this.#holder) this.#idleTransactionTimeout.stop();
      await task.run();
      // Lets messages in that have arrived meanwhile, the holder's among them, and timers.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#isPumping = false;
    const holder = this.#holder;
    if (!holder || !this.#queue.hasWaiting(holder)) return;
    this.#idleTransactionTimeout.start(holder);
    this.#lateCheck = setInterval(() => this.#cancelLate(), lateCheckMs);
  }

  #unitTask(session: ClientSession, unit: Unit): Task & { readonly client: ClientSession } {
    return { client: session, unit, isAwaited: true, run: () => this.#runUnit(session, unit) };
  }

  /** Cancels what waits for the engine; what runs is cancelled by the thread that got the request (see RunningUnit). */
  #cancelQueued(sessionId: number, key: number): void {
    const session = [...this.#sessions].find(({ id }) => id === sessionId);
    const unit = session && key === this.#cancelKey ? this.#queue.takeUnit(session) : undefined;
    if (session && unit) this.#answerCancelled(session, unit, 'canceling statement due to user request');
  }

  /** Of those whom the holder keeps waiting, cancels what `statement_timeout` allows no more time for. */
  #cancelLate(): void {
    const now = process.hrtime.bigint();
    for (const session of this.#queue.clients()) {
      const unit = this.#queue.takeUnit(session, (waiting) => (deadlineOf(session, waiting) ?? now + 1n) <= now);
      if (unit) this.#answerCancelled(session, unit, timedOut);
    }
  }

  #answerCancelled(session: ClientSession, unit: Unit, reason: string): void {
    if (session === this.#holder || !unit.isComplete) {
      // The engine knows the state of the transaction, and what is left to be skipped.
      this.#queue.putFirst(this.#unitTask(session, { ...unit, cancelled: reason }));
      return;
    }
    session.output.write(errorFrame('ERROR', queryCanceled, reason));
    session.output.write(frame(backend.readyForQuery, Buffer.from('I')));
    session.output.flush();
  }

  #runUnit(session: ClientSession, unit: Unit): void {
    const isIdle = this.#units.run(session, unit);
    this.#holder = isIdle || session.closed ? undefined : session;
  }

  #cleanUp(session: ClientSession): void {
    this.#sessions.delete(session);
    this.#queue.drop(session);
    const isHolder = this.#holder === session;
    const run = (): void => {
      this.#units.release(session, isHolder);
      if (isHolder) this.#holder = undefined;
    };
    this.#enqueue({ client: isHolder ? session : undefined, isAwaited: false, run });
  }
}

/** Ends a transaction that stays idle while others wait for the engine. */
class IdleTransactionTimeout {
  readonly #timeoutMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Others wait from now on; a timer that runs goes on. */
  start(holder: ClientSession): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // SQLSTATE and wording of PostgreSQL's idle_in_transaction_session_timeout.
      holder.fail('25P03', 'terminating connection due to idle-in-transaction timeout');
    }, this.#timeoutMs);
  }

  /** The holder has done something, or is gone. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
