import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import { eventsOf, rowsPerRead, type EventLog, type LogPage, type LogRow, type MessageEvent } from './event-log.ts';
import { isBefore, type EventPosition } from './event-position.ts';

/** What a stream has to send next. */
export type Delivery =
  | { readonly kind: 'events'; readonly events: readonly MessageEvent[] }
  /** The log does not hold what was asked for: events before `next` may be missing. */
  | { readonly kind: 'reset'; readonly next: EventPosition }
  /** Nothing came for a while; everything before `next` is published. */
  | { readonly kind: 'idle'; readonly next: EventPosition }
  | { readonly kind: 'end' };

export interface SubscriptionOptions {
  readonly tenantId: string;
  /** Undefined: all. */
  readonly types: ReadonlySet<MessageEventType> | undefined;
  readonly log: EventLog;
  /** What the log held where this subscription begins. */
  readonly first: LogPage;
  /** Called when the subscription has caught up and is to be offered what is found for all. */
  readonly onCaughtUp: () => void;
  readonly onReadError: (error: unknown) => void;
  readonly onClose: () => void;
}

type Queued = { readonly resetTo: EventPosition } | { readonly row: LogRow; /** The next to publish. */ index: number };

const eventsPerDelivery = 100;
const maxQueuedMessages = 4800;
const retryReadMs = 1000;

/**
 * One client's way through the log. While it is behind it reads the log by itself, at its own pace; once it has caught
 * up it is offered the rows that one query finds for all. A client that cannot keep up falls behind again, so that the
 * log is its buffer and not our memory.
 */
export class EventSubscription {
  readonly tenantId: string;
  /** Resolves once it is closed by either side. */
  readonly closed: Promise<void>;
  readonly #options: SubscriptionOptions;
  readonly #markClosed: () => void;
  readonly #queue: Queued[] = [];
  #queuedMessages = 0;
  #position: EventPosition;
  #state: 'behind' | 'caught-up' | 'live' | 'closed' = 'behind';
  #wake: () => void = () => undefined;

  constructor(options: SubscriptionOptions) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#markClosed = resolve;
    this.#options = options;
    this.tenantId = options.tenantId;
    this.#position = options.first.next;
    this.#acceptOwn(options.first);
  }

  get state(): 'behind' | 'caught-up' | 'live' | 'closed' {
    return this.#state;
  }

  /** All before it was queued. */
  get position(): EventPosition {
    return this.#position;
  }

  /** What is next; `idle` when nothing has come for that time. One call at a time. */
  async take(idleMs: number): Promise<Delivery> {
    const until = Date.now() + idleMs;
    for (;;) {
      if (this.#state === 'closed') return { kind: 'end' };
      const next = this.#takeQueued();
      if (next !== undefined) return next;
      const leftMs = until - Date.now();
      if (leftMs <= 0) return { kind: 'idle', next: this.#position };
      if (this.#state !== 'behind') await this.#sleep(leftMs);
      else if (!(await this.#readOn())) await this.#sleep(Math.min(leftMs, retryReadMs));
    }
  }

  /** @param head what was found for all until now. A subscription that is not that far yet reads on by itself. */
  admit(head: EventPosition): void {
    if (this.#state !== 'caught-up') return;
    this.#state = isBefore(this.#position, head) ? 'behind' : 'live';
    if (this.#state === 'behind') this.#wake();
  }

  /** What was found for all, page by page. What is not this subscription's, or was read before, is left out. */
  offer(page: LogPage): void {
    if (this.#state !== 'live') return;
    const rows = page.rows.filter((row) => row.tenantId === this.tenantId && !isBefore(row, this.#position));
    const messages = rows.reduce((sum, row) => sum + row.messageIds.length, 0);
    if (this.#queuedMessages > 0 && this.#queuedMessages + messages > maxQueuedMessages) this.#state = 'behind';
    else this.#accept({ ...page, rows });
    this.#wake();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#queue.length = 0;
    this.#wake();
    this.#markClosed();
    this.#options.onClose();
  }

  #accept({ rows, next, isBroken }: LogPage): void {
    if (isBroken) this.#queue.push({ resetTo: next });
    for (const row of rows) {
      if (this.#options.types?.has(row.type) === false) continue;
      this.#queue.push({ row, index: row.firstIndex });
      this.#queuedMessages += row.messageIds.length;
    }
    if (isBroken || isBefore(this.#position, next)) this.#position = next;
  }

  /** A page that was read for this subscription alone. */
  #acceptOwn(page: LogPage): void {
    this.#accept(page);
    if (!page.isEnd) return;
    this.#state = 'caught-up';
    this.#options.onCaughtUp();
  }

  /** @returns false when the log cannot be read now. */
  async #readOn(): Promise<boolean> {
    const { log, onReadError } = this.#options;
    try {
      const page = await log.read({ tenantIds: [this.tenantId], from: this.#position, limit: rowsPerRead });
      if (this.#state === 'behind') this.#acceptOwn(page);
      return true;
    } catch (error) {
      onReadError(error);
      return false;
    }
  }

  #takeQueued(): Delivery | undefined {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if ('resetTo' in head) {
        this.#queue.shift();
        return { kind: 'reset', next: head.resetTo };
      }
      const events = eventsOf(head.row, head.index, eventsPerDelivery);
      head.index += events.length;
      if (head.index >= head.row.messageIds.length) this.#forget(head.row);
      if (events.length > 0) return { kind: 'events', events };
    }
    return undefined;
  }

  #forget(row: LogRow): void {
    this.#queue.shift();
    this.#queuedMessages -= row.messageIds.length;
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}
