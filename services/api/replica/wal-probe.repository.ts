import { Client, type ClientConfig } from 'pg';

/** Where a server of a cluster stands. */
export interface WalPosition {
  /** The same for a primary and all its streaming standbys. */
  readonly system: string;
  readonly isStandby: boolean;
  /** Bytes of the log that are written (primary) or replayed (standby). */
  readonly position: number;
}

interface Row {
  readonly system: string;
  readonly standby: boolean;
  readonly position: string | null;
}

const statement = `
  select (select system_identifier::text from pg_control_system()) as system, pg_is_in_recovery() as standby,
         pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
                         '0/0') as position`;

/**
 * Asks one server again and again where it stands, on a connection of its own: the pools may be busy, and what they are
 * is not to be mistaken for the server's state.
 */
export class WalProbe {
  readonly #connection: ClientConfig;
  readonly #timeoutMs: number;
  #client: Client | undefined;

  constructor(connection: ClientConfig, timeoutMs: number) {
    this.#connection = { ...connection, connectionTimeoutMillis: timeoutMs };
    this.#timeoutMs = timeoutMs;
  }

  /** @throws when the server does not answer in time; the next call connects again. */
  async ask(): Promise<WalPosition> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs);
    try {
      return await Promise.race([this.#read(), late.promise]);
    } catch (error) {
      this.#hangUp();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  async #read(): Promise<WalPosition> {
    const client = this.#client ?? (await this.#connect());
    const { rows } = await client.query<Row>(statement);
    const [row] = rows;
    if (row === undefined || row.position === null) throw new Error('the server does not say where it stands');
    return { system: row.system, isStandby: row.standby, position: Number(row.position) };
  }

  async #connect(): Promise<Client> {
    const client = new Client(this.#connection);
    // The next caller gets the error; an error without a listener ends the process.
    client.on('error', () => undefined);
    this.#client = client;
    await client.connect();
    return client;
  }

  /** A connection with a statement under way is cut off, not ended in order: its server may never answer. */
  #hangUp(): void {
    const client = this.#client;
    this.#client = undefined;
    void client?.end().catch(() => undefined);
  }
}
