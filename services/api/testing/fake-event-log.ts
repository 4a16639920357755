import type { EventLog, LogPage, LogQuery, LogRow } from '../events/event-log.ts';
import { isBefore, startOf } from '../events/event-position.ts';

/** A log in memory: every append is a transaction of its own, and readable at once. */
export class FakeEventLog implements EventLog {
  readonly queries: LogQuery[] = [];
  readonly #rows: LogRow[] = [];
  #horizon = 1n;
  prunedBefore = 0n;
  isAway = false;
  /** Called once a reader has asked and before it is answered. */
  beforeAnswer: () => void = () => undefined;

  append(tenantId: string, messageIds: readonly string[], type: LogRow['type'] = 'message.embedded'): void {
    const place = { transactionId: this.#horizon++, eventId: 1n };
    this.#rows.push({ ...place, tenantId, type, messageIds, firstIndex: 0, at: new Date(0), ageSeconds: 0.1 });
  }

  async read(query: LogQuery): Promise<LogPage> {
    this.queries.push(query);
    if (this.isAway) throw new Error('the database is away');
    this.beforeAnswer();
    return this.#page(query);
  }

  #page({ tenantIds, from, limit }: LogQuery): LogPage {
    const end = startOf(this.#horizon);
    const isBroken = from !== undefined && from.transactionId < this.prunedBefore;
    if (isBroken || from === undefined) return { rows: [], next: end, isEnd: true, isBroken };
    const found = this.#rows.filter((row) => tenantIds.includes(row.tenantId) && !isBefore(row, from));
    const rows = found.slice(0, limit).map((row) => {
      const isBegun = row.transactionId === from.transactionId && row.eventId === from.eventId;
      return { ...row, firstIndex: isBegun ? from.index : 0 };
    });
    const last = found.length > limit ? rows.at(-1) : undefined;
    const next = last === undefined ? end : { transactionId: last.transactionId, eventId: last.eventId + 1n, index: 0 };
    return { rows, next, isEnd: last === undefined, isBroken };
  }
}
