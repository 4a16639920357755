import type { Schema } from '@memory-layer/shared/db/schema';
import { CompiledQuery, type Kysely, type KyselyPlugin } from 'kysely';

export interface Recorder {
  /** Runs queries as ever, and keeps what it ran. */
  readonly db: Kysely<Schema>;
  /** The plans of what was run since the last call, as PostgreSQL prints them, one text a query. */
  explainAll(): Promise<string[]>;
  /** The SQL of what was run since the last call. */
  takeStatements(): string[];
}

/** Stands between a repository and its database, so that a test can look at the plan of the very SQL that is run. */
export function recordQueries(db: Kysely<Schema>): Recorder {
  const queries: CompiledQuery[] = [];
  const recorder: KyselyPlugin = {
    transformQuery({ node, queryId }) {
      queries.push(db.getExecutor().compileQuery(node, queryId));
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };

  async function explain(query: CompiledQuery): Promise<string> {
    const explained = CompiledQuery.raw(`explain ${query.sql}`, [...query.parameters]);
    const { rows } = await db.executeQuery<Record<string, unknown>>(explained);
    return rows.map((row) => String(row['QUERY PLAN'])).join('\n');
  }

  return {
    db: db.withPlugin(recorder),
    takeStatements: () => queries.splice(0).map((query) => query.sql),
    async explainAll() {
      const plans = [];
      for (const query of queries.splice(0)) plans.push(await explain(query));
      return plans;
    },
  };
}
