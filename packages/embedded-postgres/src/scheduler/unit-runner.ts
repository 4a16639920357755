import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import type { WireEngine } from '../engine/wire-engine.ts';
import type { ClientSession, Unit } from '../session/client-session.ts';
import { quoteLiteral } from '../sql/quote.ts';
import { BackendScanner } from '../wire/backend-scanner.ts';
import { extendedQueryFrames, queryFrame, syncFrame } from '../wire/frames.ts';
import type { NotificationRouter } from './notification-router.ts';
import type { SessionSwitch } from './session-switch.ts';

export const queryCanceled = '57014';
export const timedOut = 'canceling statement due to statement timeout';
const featureNotSupported = '0A000';

/** Runs the units of clients on the engine, and takes over what a unit did beyond the data. */
export class UnitRunner {
  readonly #wire: WireEngine;
  readonly #router: NotificationRouter;
  readonly #switch: SessionSwitch;
  readonly #sql: SqlRunner;

  constructor(wire: WireEngine, router: NotificationRouter, sessionSwitch: SessionSwitch, sql: SqlRunner) {
    this.#wire = wire;
    this.#router = router;
    this.#switch = sessionSwitch;
    this.#sql = sql;
  }

  /** @returns whether the client's transaction is over, so that others may run */
  run(client: ClientSession, unit: Unit): boolean {
    if (!this.#switchTo(client)) return true;
    const scanner = new BackendScanner({
      bytes: (bytes) => client.output.write(bytes),
      notification: (channel, frame) => this.#router.deliver(channel, frame, client),
    });
    client.statementTimeoutMs ??= statementTimeoutMs(this.#sql);
    const deadlineNs = deadlineOf(client, unit);
    this.#wire.execute(bytesOf(unit, deadlineNs), (chunk) => scanner.push(chunk), { session: client.id, deadlineNs });
    client.output.flush();
    this.#takeOver(client, unit, scanner);
    return scanner.status === 'I';
  }

  /** Takes what is left of a client out of the engine. */
  release(client: ClientSession, holdsTransaction: boolean): void {
    if (holdsTransaction) this.#discard(Buffer.concat([syncFrame, queryFrame('ROLLBACK')]));
    const closes = client.statements.closeAll();
    if (closes) this.#discard(closes);
    const unlisten = this.#router.forget(client);
    if (unlisten !== undefined) this.#sql(unlisten);
  }

  #switchTo(client: ClientSession): boolean {
    try {
      this.#switch.to(client);
      return true;
    } catch (error) {
      if (!(error instanceof InternalSqlError)) throw error;
      client.fail('08004', error.message);
      return false;
    }
  }

  #takeOver(client: ClientSession, unit: Unit, scanner: BackendScanner): void {
    client.settingsStale ||= unit.effects.changesSettings;
    const isTransactionOver = scanner.status === 'I' || scanner.status === 'T';
    const isRolledBack = scanner.lastTag === 'ROLLBACK';
    if (isTransactionOver && (unit.effects.changesSettings || isRolledBack)) client.statementTimeoutMs = undefined;
    for (const name of unit.effects.customSettings) client.customSettings.add(name);
    if (scanner.error === undefined) client.listenChanges.push(...unit.effects.listens);
    if (scanner.status !== 'I') return;
    const changes = client.listenChanges.splice(0);
    const relisten = isRolledBack ? undefined : this.#router.apply(client, changes);
    if (relisten !== undefined) this.#sql(relisten);
  }

  #discard(bytes: Uint8Array): void {
    const scanner = new BackendScanner({
      bytes: () => {},
      notification: (channel, frame) => this.#router.deliver(channel, frame),
    });
    this.#wire.execute(bytes, (chunk) => scanner.push(chunk));
  }
}

/**
 * By `process.hrtime`. Of what `statement_timeout` allows, waiting for the engine takes its part, as waiting for locks
 * does on a server.
 */
export function deadlineOf({ statementTimeoutMs: timeoutMs = 0 }: ClientSession, unit: Unit): bigint | undefined {
  return timeoutMs === 0 ? undefined : unit.arrivedNs + BigInt(timeoutMs) * 1_000_000n;
}

/** PostgreSQL's unit of time, as `current_setting` writes it, in milliseconds. */
const unitsMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function statementTimeoutMs(sql: SqlRunner): number {
  const [[setting] = []] = sql("SELECT pg_catalog.current_setting('statement_timeout')");
  const [, amount = '0', unit = 'ms'] = /^(\d+)([a-z]*)$/.exec(setting ?? '') ?? [];
  return Number(amount) * (unitsMs.get(unit) ?? 1);
}

/** The unit itself, or what fails in its place. */
function bytesOf(unit: Unit, deadlineNs: bigint | undefined): Uint8Array {
  if (unit.cancelled !== undefined) return refusalOf(unit, queryCanceled, unit.cancelled);
  if (unit.effects.refusal !== undefined) return refusalOf(unit, featureNotSupported, unit.effects.refusal);
  if (deadlineNs !== undefined && process.hrtime.bigint() >= deadlineNs) {
    return refusalOf(unit, queryCanceled, timedOut);
  }
  return unit.bytes;
}

/** Messages that fail in the engine with this reason, so that a transaction around them fails as well. */
function refusalOf(unit: Unit, sqlState: string, reason: string): Uint8Array {
  const raise = `RAISE EXCEPTION USING ERRCODE = '${sqlState}', MESSAGE = ${quoteLiteral(reason)};`;
  const sql = `DO $refusal$ BEGIN ${raise} END $refusal$`;
  return unit.isSimpleQuery ? queryFrame(sql) : Buffer.concat([extendedQueryFrames(sql), unit.end]);
}
