import { randomUUID } from 'node:crypto';
import type { Schema } from '@memory-layer/shared/db/schema';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { indexMessage } from '../../../words/message-index.ts';
import { indexColumns, indexInput } from '../../../words/message-index.sql.ts';
import { planWords } from '../../plan/lexical-plan.ts';
import { createLexicalIndex, type LexicalQuery } from '../../plan/lexical-query.ts';
import { planTenant } from '../../plan/search-plan.ts';
import { parseOperators } from '../../query/parse-query.ts';
import { createLexicalRepository } from '../../stats/lexical.repository.ts';
import { clausesCondition } from '../filter.sql.ts';
import { lexicalScore, wordCandidates } from '../lexical.sql.ts';
import { tenantSql } from '../tenant.sql.ts';

export interface Said {
  readonly content: string;
  readonly metadata?: object;
}

export interface FoundMessage {
  readonly content: string;
  readonly score: number;
}

interface CandidateOptions {
  readonly filter: RawBuilder<boolean>;
  readonly limit: number;
  /** Of the tenant, as far as is known. */
  readonly messages: number;
}

/** A tenant whose messages are stored without going through the api, and searched by words alone. */
export interface Words {
  readonly tenantId: string;
  say(...messages: readonly (string | Said)[]): Promise<void>;
  prepare(text: string): Promise<LexicalQuery>;
  /** The statement that looks for candidates by words. */
  candidates(text: string, options: CandidateOptions): Promise<RawBuilder<unknown>>;
  /** The score of any `message m`. */
  score(text: string): Promise<RawBuilder<number>>;
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
    repository: createLexicalRepository(db),
    clock: { now: () => new Date() },
    onError: (error) => {
      throw error;
    },
  });
  const prepare = (text: string) => index.prepare(tenantId, parseOperators(text));
  const candidates = async (text: string, { filter, limit, messages }: CandidateOptions) => {
    const query = await prepare(text);
    const tenant = tenantSql(planTenant(tenantId, { messages }));
    return wordCandidates({ words: planWords(query, limit), clauses: query.clauses, tenant, filter, limit });
  };
  const score = async (text: string) => lexicalScore(planWords(await prepare(text), 1), 'm');
  return {
    tenantId,
    prepare,
    candidates,
    score,
    async say(...messages) {
      const rows = messages.map((said) => (typeof said === 'string' ? { content: said } : said));
      await sql`
        insert into message (tenant_id, id, conversation_id, role, content, metadata, importance, content_hash,
                             created_at, updated_at, ${indexColumns.names})
        select ${tenantId}, id, 'c', 'user', content, metadata, 0.2, '', now() + n * interval '1 second', now(),
               ${indexColumns.of('given', 'l')}
        from search_language l, unnest(${rows.map(() => randomUUID())}::uuid[], ${rows.map((row) => row.content)}::text[],
                    ${rows.map((row) => JSON.stringify(row.metadata ?? {}))}::jsonb[],
                    ${indexInput.values(rows.map((row) => indexMessage({ role: 'user', content: row.content, metadata: { ...row.metadata } })))})
             with ordinality as given (id, content, metadata, ${indexInput.names}, n)
        where l.state = 'current'`.execute(db);
    },
    async find(text, { limit = 10, filter = sql<boolean>`true` } = {}) {
      const result = await sql<FoundMessage>`
        with found as (${await candidates(text, { filter, limit, messages: 1 })})
        select m.content, found.lexical_score as score
        from found join message m on m.tenant_id = ${tenantId} and m.id = found.id
        order by found.lexical_score desc, m.created_at desc`.execute(db);
      return result.rows;
    },
    async scan(text) {
      const { clauses } = await prepare(text);
      const result = await sql<FoundMessage>`
        select content, score from (
          select m.content, ${await score(text)} as score from message m
          where m.tenant_id = ${tenantId} and ${clausesCondition(clauses)} offset 0
        ) scored order by score desc, content`.execute(db);
      return result.rows;
    },
  };
}
