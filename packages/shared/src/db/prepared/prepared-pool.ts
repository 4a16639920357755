import type { Pool, PoolClient } from 'pg';
import { connectUnlessAborted, type ConnectionPool } from '../cancel/connection-pool.ts';
import { PreparedClient } from './prepared-client.ts';

/**
 * How connections with prepared statements plan. A plan that is made once knows no values, so it must be right for
 * every tenant, however large: by an index, and row by row from the few that are looked for. Left to its estimates, the
 * planner would take a tenant of ten messages for one of average size and read all of its large neighbours.
 */
export const genericPlanSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
} as const;

/**
 * A pool whose connections prepare each statement that comes along, and keep its plan. For few statements that are asked
 * again and again: their text must not hold what differs from one time to the next.
 *
 * A connection without {@link genericPlanSettings}, because a pooler between has dropped its options, prepares
 * nothing: its plans would be made by the planner's guess.
 *
 * @param pool its connections begin with these settings
 */
export function createPreparedPool(pool: Pool): ConnectionPool {
  const clients = new WeakMap<PoolClient, PreparedClient>();

  async function greet(client: PoolClient): Promise<PreparedClient> {
    const { rows } = await client.query<{ mode: string }>(`select current_setting('plan_cache_mode') as mode`);
    const greeted = new PreparedClient(client, {
      usesPreparedStatements: rows[0]?.mode === genericPlanSettings.plan_cache_mode,
    });
    clients.set(client, greeted);
    return greeted;
  }

  return {
    options: pool.options,
    async connect(signal) {
      const client = await connectUnlessAborted(pool, signal);
      try {
        return clients.get(client) ?? (await greet(client));
      } catch (error) {
        client.release(true);
        throw error;
      }
    },
    end: () => pool.end(),
  };
}
