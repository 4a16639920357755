import { sql, type RawBuilder } from 'kysely';
import type { NearestQuery } from '../harness/search-internals.ts';

/** A filter of the table, and the same said over `message m` for the comparison with all. */
export interface FilterCell {
  readonly kind: string;
  readonly share: string;
  readonly filter: NearestQuery['filter'];
  readonly messageCondition: NearestQuery['messageCondition'];
  readonly matching: RawBuilder<boolean>;
}

const shares = [
  { name: '50 %', part: 0.5, role: 'user', conversations: 100, mark: 'half' },
  { name: '5 %', part: 0.05, role: 'system', conversations: 10, mark: 'twentieth' },
  { name: '0.5 %', part: 0.005, role: 'tool', conversations: 1, mark: 'rare' },
] as const;

type Column = (alias: 'e' | 'm') => RawBuilder<boolean>;

/** No filter, and each kind of filter at each share, of a tenant with this many messages. */
export function filterCells(messages: number): FilterCell[] {
  const none = {
    kind: 'none',
    share: '100 %',
    filter: undefined,
    messageCondition: undefined,
    matching: sql<boolean>`true`,
  };
  return [none, ...shares.flatMap((share) => ofShare(share, messages))];
}

function ofShare({ name, part, role, conversations, mark }: (typeof shares)[number], messages: number): FilterCell[] {
  const names = Array.from({ length: conversations }, (_, n) => `c-${n}`);
  // A stretch in the middle of the tenant's history, which has a message a minute.
  const from = minute(Math.floor(messages * 0.4));
  const before = minute(Math.floor(messages * 0.4) + Math.ceil(messages * part));
  const columns: Readonly<Record<string, Column>> = {
    conversation: (alias) => sql`${sql.ref(`${alias}.conversation_id`)} = any(${names}::text[])`,
    role: (alias) => sql`${sql.ref(`${alias}.role`)} = any(${[role]}::text[])`,
    time: (alias) =>
      sql`${sql.ref(`${alias}.created_at`)} >= ${from} and ${sql.ref(`${alias}.created_at`)} < ${before}`,
    importance: (alias) => sql`${sql.ref(`${alias}.importance`)} >= ${1 - part}`,
  };
  const metadata = sql<boolean>`(m.metadata <> '{}' and m.metadata @> ${JSON.stringify({ [mark]: true })}::jsonb)`;
  return [
    ...Object.entries(columns).map(([kind, filter]) => ({
      kind,
      share: name,
      filter,
      messageCondition: undefined,
      matching: filter('m'),
    })),
    { kind: 'metadata', share: name, filter: undefined, messageCondition: metadata, matching: metadata },
  ];
}

/** When the n-th message of a tenant was sent. */
function minute(n: number): Date {
  return new Date(Date.UTC(2024, 0, 1) + n * 60_000);
}
