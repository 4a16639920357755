import { createHash } from 'node:crypto';
import { DatabaseError, type PoolClient, type QueryResult } from 'pg';
import type { PooledClient } from '../cancel/connection-pool.ts';

export interface PreparedClientOptions {
  /** False: every statement is sent unnamed. */
  readonly usesPreparedStatements: boolean;
}

/**
 * Prepared statements of a connection at a time, at some 400 kB of the server's memory each. A partition has eleven of the mode
 * `hybrid`: two for each number of words, of which most queries have one or two, and one for the rows that are shown.
 */
const maxPrepared = 128;
/** Statements after which the connection is replaced: `pg` remembers the text of each. */
const maxEver = 1000;

/** A connection that prepares what it is asked, by name, and keeps those that were asked last. */
export class PreparedClient implements PooledClient {
  readonly session: PoolClient;
  readonly #usesPreparedStatements: boolean;
  /** Names by text, the one not asked for longest first. */
  readonly #names = new Map<string, string>();
  #ever = 0;
  #isUsedUp = false;

  constructor(client: PoolClient, { usesPreparedStatements }: PreparedClientOptions) {
    this.session = client;
    this.#usesPreparedStatements = usesPreparedStatements;
  }

  release(destroy = false): void {
    this.session.release(destroy || this.#isUsedUp || this.#ever >= maxEver);
  }

  async query(text: string, given: readonly unknown[]): Promise<QueryResult> {
    const values = [...given];
    if (!this.#usesPreparedStatements) return this.session.query(text, values);
    try {
      const name = this.#names.get(text) ?? (await this.#makeName(text));
      this.#names.delete(text);
      this.#names.set(text, name);
      return await this.session.query({ name, text, values });
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#isUsedUp = true;
      return this.session.query(text, values);
    }
  }

  /**
   * A name that says what the text is, so that where connections lead to changing sessions none can meet another
   * statement under it; and that was never used here, since `pg` takes a known name for prepared.
   */
  async #makeName(text: string): Promise<string> {
    const [oldest] = this.#names;
    if (oldest !== undefined && this.#names.size >= maxPrepared) {
      this.#names.delete(oldest[0]);
      await this.session.query(`deallocate "${oldest[1]}"`);
    }
    this.#ever += 1;
    return `${createHash('sha256').update(text).digest('hex').slice(0, 40)}_${this.#ever}`;
  }
}

/**
 * A migration has changed what the statement gives back, or a pooler between has led to a session that does not know it,
 * or knows it already. By the name of the function that complains, since messages are translated.
 */
function isLost(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  const { code, routine } = error;
  return code === '26000' || code === '42P05' || (code === '0A000' && routine === 'RevalidateCachedQuery');
}
