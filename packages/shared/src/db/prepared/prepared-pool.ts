import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { DatabaseError, type Pool, type PoolClient, type PoolConfig, type QueryResult } from 'pg';

/**
 * How connections plan whose statements are kept. A plan that is made once knows no values, so it must be right for
 * every tenant, however large: by an index, and row by row from the few that are looked for. Left to its estimates, the
 * planner would take a tenant of ten messages for one of average size and read all of its large neighbours.
 */
export const keptPlans = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;

/** Statements that a connection keeps, at some 400 kB each for the longest, before another takes its place. */
const maxStatements = 64;

/**
 * A pool whose connections prepare each statement that comes along, and keep its plan. For few statements that are asked
 * again and again: their text must not hold what differs from one time to the next.
 */
export function createPreparedPool(pool: Pool): PostgresPool {
  const clients = new WeakMap<PoolClient, PreparedClient>();
  return {
    options: pool.options satisfies PoolConfig,
    async connect() {
      const client = await pool.connect();
      const known = clients.get(client) ?? new PreparedClient(client);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}

class PreparedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  readonly #names = new Map<string, string>();
  #isUsedUp = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query(text: unknown, values: readonly unknown[] = []): never {
    if (typeof text !== 'string') throw new TypeError('a kept statement is a text');
    // Kysely's type asks for a cursor's answer, too, which is refused above, and calls the result of `pg` by a type of
    // its own.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#execute(text, [...values]) as never;
  }

  release(destroy = false): void {
    this.#client.release(destroy || this.#isUsedUp || this.#names.size >= maxStatements);
  }

  async #execute(text: string, values: unknown[]): Promise<QueryResult> {
    try {
      return await this.#client.query({ name: this.#nameOf(text), text, values });
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#isUsedUp = true;
      return this.#client.query(text, values);
    }
  }

  #nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `s${this.#names.size}`;
      this.#names.set(text, name);
    }
    return name;
  }
}

/** A migration has changed what the statement gives back, or a pooler between has forgotten it. */
function isLost(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  return error.code === '26000' || (error.code === '0A000' && error.message.includes('cached plan'));
}
