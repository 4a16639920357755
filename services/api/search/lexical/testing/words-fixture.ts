import { randomUUID } from 'node:crypto';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { createLexicalIndex } from '../lexical-index.ts';
import type { LexicalQuery } from '../lexical-query.ts';
import { parseSearchText } from '../search-text.ts';
import { tenantInSql } from '../../tenant-in-sql.ts';

export interface Said {
  readonly content: string;
  readonly metadata?: object;
}

export interface FoundMessage {
  readonly content: string;
  readonly score: number;
}

/** A tenant whose messages are stored without going through the api, and searched by words alone. */
export interface Words {
  readonly tenantId: string;
  say(...messages: readonly (string | Said)[]): Promise<void>;
  prepare(text: string): Promise<LexicalQuery>;
  /** Best first, with the scores of the candidates. */
  find(
    text: string,
    options?: { readonly limit?: number; readonly filter?: RawBuilder<boolean> },
  ): Promise<FoundMessage[]>;
  /** All messages that pass the text's requirements, by their score, without the index. */
  scan(text: string): Promise<FoundMessage[]>;
}

let tenants = 0;

export function createWords(db: Kysely<Schema>, tenantId = `words-${++tenants}`): Words {
  const index = createLexicalIndex({
    db,
    clock: { now: () => new Date() },
    onError: (error) => {
      throw error;
    },
  });
  const prepare = (text: string) => index.prepare(tenantId, parseSearchText(text));
  return {
    tenantId,
    prepare,
    async say(...messages) {
      const rows = messages.map((said) => (typeof said === 'string' ? { content: said } : said));
      await sql`
        insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                             created_at, updated_at, search_language)
        select ${tenantId}, id, 'c', 'user', content, metadata, 0.2, '', now() + n * interval '1 second', now(),
               (select language from search_language where state = 'current')
        from unnest(${rows.map(() => randomUUID())}::uuid[], ${rows.map((row) => row.content)}::text[],
                    ${rows.map((row) => JSON.stringify(row.metadata ?? {}))}::jsonb[])
             with ordinality as given (id, content, metadata, n)`.execute(db);
    },
    async find(text, { limit = 10, filter = sql<boolean>`true` } = {}) {
      const query = await prepare(text);
      const result = await sql<FoundMessage>`
        with found as (${query.candidates({ tenant: tenantInSql(tenantId, { messages: 1 }), filter, limit })})
        select m.content, found.lexical_score as score
        from found join message m on m.tenant_id = ${tenantId} and m.id = found.id
        order by found.lexical_score desc, m.created_at desc`.execute(db);
      return result.rows;
    },
    async scan(text) {
      const query = await prepare(text);
      const result = await sql<FoundMessage>`
        select content, score from (
          select m.content, ${query.score('m')} as score from message m
          where m.tenant_id = ${tenantId} and ${query.mustMatch('m') ?? sql`true`} offset 0
        ) scored order by score desc, content`.execute(db);
      return result.rows;
    },
  };
}
