import { InternalSqlError, type SqlRunner } from '../engine/run-sql.ts';
import type { ClientSession } from '../session/client-session.ts';
import { noSettings, readSettings, restoreSettings, settingsFromRows } from '../session/session-settings.ts';

/** Puts the engine's one session into the state that a client left it in: its settings, its user and its role. */
export class SessionSwitch {
  readonly #sql: SqlRunner;
  #current: ClientSession | undefined;

  constructor(sql: SqlRunner) {
    this.#sql = sql;
  }

  /**
   * To be called outside of transactions. Everything that the client before has set is taken away even when its SQL
   * did not look like it: a function may have called set_config.
   * @param client undefined: nobody, the engine's own state
   * @throws InternalSqlError when the client's settings are not accepted
   */
  to(client: ClientSession | undefined): void {
    if (client !== undefined && client === this.#current) return;
    this.#keepSettingsOf(this.#current);
    this.#current = undefined;
    this.#sql(restoreSettings(client?.settings ?? noSettings));
    this.#current = client;
  }

  #keepSettingsOf(client: ClientSession | undefined): void {
    if (!client?.settingsStale || client.closed) return;
    try {
      client.settings = settingsFromRows(this.#sql(readSettings([...client.customSettings])));
      client.settingsStale = false;
    } catch (error) {
      if (!(error instanceof InternalSqlError)) throw error;
      client.fail('XX000', `the settings of this session could not be kept: ${error.message}`);
    }
  }
}
