import type { Role, Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely } from 'kysely';
import { indexMessage, wordsVersion } from '../../words/message-index.ts';
import { indexColumns, indexInput } from '../../words/message-index.sql.ts';

/** How messages are indexed: by a text search configuration, and by the words that this version of the api reads. */
export function indexName(configuration: string): string {
  return `${configuration} ${wordsVersion}`;
}

interface OldMessage {
  readonly id: string;
  readonly role: Role;
  readonly content: string | null;
  readonly metadata: Record<string, unknown> | null;
}

export interface ReindexBatch {
  readonly tenantId: string;
  /** Undefined: from the first message on. */
  readonly afterId: string | undefined;
  readonly language: string;
  readonly limit: number;
}

export interface ReindexedBatch {
  /** The last message looked at; undefined at the end. */
  readonly lastId: string | undefined;
  /** Messages that were reindexed. */
  readonly changed: number;
}

// Reading the words of more would keep others waiting.
const maxBatchBytes = 256 * 1024;

export type SearchLanguageRepository = ReturnType<typeof createSearchLanguageRepository>;

export function createSearchLanguageRepository(db: Kysely<Schema>) {
  return {
    /**
     * The name of a text search configuration as every session understands it: with its schema unless it comes with
     * PostgreSQL. Undefined when there is none.
     */
    async findByName(name: string): Promise<string | undefined> {
      return (await list(db)).find((known) => known === name || known === `public.${name}`);
    },

    listNames: () => list(db),

    /** Makes the language the one that messages are written in from now on. @returns the one before, if another. */
    async adopt(language: string): Promise<string | undefined> {
      return db.transaction().execute(async (transaction) => {
        await sql`lock table search_language in exclusive mode`.execute(transaction);
        const before = await findCurrent(transaction);
        if (before === language) return undefined;
        await transaction
          .updateTable('search_language')
          .set({ state: 'old', changed_at: sql`now()` })
          .where('state', '=', 'current')
          .execute();
        await transaction
          .insertInto('search_language')
          .values({ language, state: 'current' })
          .onConflict((conflict) =>
            conflict.column('language').doUpdateSet({ state: 'current', changed_at: sql`now()` }),
          )
          .execute();
        return before;
      });
    },

    findCurrent: () => findCurrent(db),

    /** Languages that messages may still be indexed by, the current one left out. */
    async listOld(): Promise<string[]> {
      const rows = await db
        .selectFrom('search_language')
        .select('language')
        .where('state', '=', 'old')
        .orderBy('language')
        .execute();
      return rows.map((row) => row.language);
    },

    /**
     * Forgets the languages of before, since no message is left. Not within a minute of a change: a message that was
     * being written then may have come in since. @returns whether they are gone.
     */
    async forgetOld(): Promise<boolean> {
      const result = await sql<{ language: string }>`
        delete from search_language where state = 'old' and not exists (
          select from search_language where changed_at > now() - interval '1 minute'
        ) returning language`.execute(db);
      return result.rows.length > 0;
    },

    async listTenants(): Promise<string[]> {
      const rows = await db.selectFrom('tenant').select('tenant_id').orderBy('tenant_id').execute();
      return rows.map((row) => row.tenant_id);
    },

    /** Reads the words of the next messages again, as far as they are indexed by something else. */
    async reindexBatch({ tenantId, afterId, language, limit }: ReindexBatch): Promise<ReindexedBatch> {
      const after = afterId === undefined ? sql`true` : sql`id > ${afterId}::uuid`;
      const { rows } = await sql<OldMessage>`
        with batch as materialized (
          select id, role, search_language <> ${language} as is_old, content, metadata,
                 sum(octet_length(content)) over (order by id) - octet_length(content) as bytes_before
          from message where tenant_id = ${tenantId} and ${after} order by id limit ${limit}
        )
        select id, role, case when is_old then content end as content, case when is_old then metadata end as metadata
        from batch where bytes_before < ${sql.lit(maxBatchBytes)} order by id
      `.execute(db);
      const old = rows.flatMap(({ id, role, content, metadata }) =>
        content === null ? [] : [{ id, index: indexMessage({ role, content, metadata: metadata ?? {} }) }],
      );
      if (old.length > 0) {
        await sql`
          update message set (${indexColumns.names}) = (select ${indexColumns.of('given', 'l', 'message')})
          from search_language l, unnest(
            ${old.map(({ id }) => id)}::uuid[], ${indexInput.values(old.map(({ index }) => index))}
          ) as given (id, ${indexInput.names})
          where message.tenant_id = ${tenantId} and message.id = given.id and l.language = ${language}
            -- Somebody may have read the words again meanwhile, of other metadata.
            and message.search_language <> l.language
        `.execute(db);
      }
      return { lastId: rows.at(-1)?.id, changed: old.length };
    },
  };
}

async function findCurrent(db: Kysely<Schema>): Promise<string | undefined> {
  const row = await db
    .selectFrom('search_language')
    .select('language')
    .where('state', '=', 'current')
    .executeTakeFirst();
  return row?.language;
}

async function list(db: Kysely<Schema>): Promise<string[]> {
  const result = await sql<{ name: string }>`
    select case when n.nspname = 'pg_catalog' then quote_ident(c.cfgname)
           else quote_ident(n.nspname) || '.' || quote_ident(c.cfgname) end as name
    from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace
    order by n.nspname <> 'pg_catalog', 1`.execute(db);
  return result.rows.map((row) => row.name);
}
