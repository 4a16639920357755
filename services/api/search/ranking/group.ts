import type { RankedCandidate } from './rank.ts';

/** How hits are grouped by their conversations. */
export interface Grouping {
  /** Conversations that are shown. */
  readonly groups: number;
  /** Hits of each. */
  readonly size: number;
}

/** The best hits of the best conversations, conversation by conversation. A conversation is as good as its best hit. */
export function groupByConversation<Item extends RankedCandidate>(
  ranked: readonly Item[],
  { groups, size }: Grouping,
): Item[] {
  const byConversation = Map.groupBy(ranked, ({ conversationId }) => conversationId);
  return [...byConversation.values()].slice(0, groups).flatMap((own) => own.slice(0, size));
}
