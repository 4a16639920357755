import { lexicalScore, planWords, type LexicalQuery } from './search-by-words.ts';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Schema } from '@memory-layer/shared/db/schema';

interface Found {
  readonly id: string;
  readonly lexical_score: number;
}

/** The best by BM25 of all messages of the tenant: every one is scored. */
export async function exhaustive(
  db: Kysely<Schema>,
  tenantId: string,
  query: LexicalQuery,
  filter: RawBuilder<boolean>,
  limit: number,
): Promise<Found[]> {
  const { rows } = await sql<Found>`
    select id, lexical_score from (
      select m.id, ${lexicalScore(planWords(query, limit), 'm')} as lexical_score from message m where m.tenant_id = ${tenantId} and ${filter}
      offset 0
    ) scored
    where lexical_score > 0 order by lexical_score desc, id limit ${limit}`.execute(db);
  return rows;
}

/** Share of the best `count` that are found, where one of the same score is as good as another. */
export function overlap(found: readonly Found[], best: readonly Found[], count: number): number {
  const wanted = best.slice(0, count);
  const least = wanted.at(-1)?.lexical_score;
  if (least === undefined) return 1;
  return found.slice(0, count).filter((one) => one.lexical_score > least - 1e-9).length / wanted.length;
}
