import { AppError } from '@memory-layer/shared/errors/app-error';
import type { MessageEventType } from '@memory-layer/shared/message/message-event';
import type { Component } from '@memory-layer/shared/lifecycle/component';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import { rowsPerRead, type EventLog } from './event-log.ts';
import { isBefore, type EventPosition } from './event-position.ts';
import { EventSubscription } from './event-subscription.ts';

export interface EventFeedOptions {
  readonly log: EventLog;
  /** How often the log is read while anybody listens. */
  readonly pollMs: number;
  /** Streams of this process at most, of one tenant, and of one key. */
  readonly maxStreams: number;
  readonly maxStreamsPerTenant: number;
  readonly maxStreamsPerKey: number;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'eventStreams' | 'eventDelaySeconds'>;
}

export interface EventRequest {
  readonly tenantId: string;
  /** Whose stream it is; one key may be good for many tenants. */
  readonly keyId: string;
  /** Streams of the tenant at most, in place of the usual number. */
  readonly maxOfTenant?: number | undefined;
  /** Undefined: all. */
  readonly types: ReadonlySet<MessageEventType> | undefined;
  /** Where an earlier stream ended; undefined: from now on. */
  readonly after: EventPosition | undefined;
  /** Ends the subscription. */
  readonly signal: AbortSignal;
}

const rowsPerPoll = 100;
const retryAfterSeconds = 5;

/** Reads the log once for all subscriptions of this process, and only while there are any. */
export class EventFeed implements Component {
  readonly id = 'event-feed';
  readonly #options: EventFeedOptions;
  readonly #subscriptions = new Set<EventSubscription>();
  readonly #ofTenant = new Map<string, number>();
  readonly #ofKey = new Map<string, number>();
  /** All before it was offered to those that are live. */
  #head: EventPosition | undefined;
  #streams = 0;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isFailing = false;
  #isStopped = false;

  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** Does nothing: the log is read once somebody listens. */
  async start(): Promise<void> {
    this.#options.metrics.eventStreams.set(0);
  }

  /** Ends all subscriptions, so that their streams end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const subscription of this.#subscriptions) subscription.close();
    clearTimeout(this.#timer);
    await this.#round;
  }

  /**
   * Begins where the log has been read to already: everything committed after the return is published.
   *
   * @throws AppError `rate_limited` when the tenant or the key has too many streams, `unavailable` when this process has, or when
   * it is going down; the database's error when the log cannot be read.
   */
  async subscribe({ tenantId, keyId, maxOfTenant, types, after, signal }: EventRequest): Promise<EventSubscription> {
    const release = this.#reserve(tenantId, keyId, maxOfTenant);
    try {
      const { log, logger } = this.#options;
      const first = await log.read({ tenantIds: [tenantId], from: after, limit: rowsPerRead, signal });
      signal.throwIfAborted();
      if (this.#isStopped) throw goingDown();
      const subscription: EventSubscription = new EventSubscription({
        tenantId,
        types,
        log,
        first,
        onCaughtUp: () => this.#schedule(),
        onReadError: (error) => logger.warn({ err: error }, 'the event log could not be read'),
        onClose: () => {
          this.#subscriptions.delete(subscription);
          release();
        },
      });
      this.#subscriptions.add(subscription);
      signal.addEventListener('abort', () => subscription.close(), { once: true });
      return subscription;
    } catch (error) {
      release();
      throw error;
    }
  }

  #reserve(tenantId: string, keyId: string, maxOfTenant: number | undefined): () => void {
    const { maxStreams, maxStreamsPerTenant, maxStreamsPerKey, metrics } = this.#options;
    if (this.#isStopped) throw goingDown();
    requireRoom('tenant', this.#ofTenant.get(tenantId), maxOfTenant ?? maxStreamsPerTenant);
    requireRoom('key', this.#ofKey.get(keyId), maxStreamsPerKey);
    if (this.#streams >= maxStreams) throw new AppError('unavailable', 'too many event streams', { retryAfterSeconds });
    addTo(this.#ofTenant, tenantId, 1);
    addTo(this.#ofKey, keyId, 1);
    metrics.eventStreams.set(++this.#streams);
    return () => {
      addTo(this.#ofTenant, tenantId, -1);
      addTo(this.#ofKey, keyId, -1);
      metrics.eventStreams.set(--this.#streams);
    };
  }

  #schedule(): void {
    if (this.#isStopped || this.#timer !== undefined || this.#round !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#round = this.#poll().finally(() => {
        this.#round = undefined;
        if (this.#inState('live', 'caught-up').length > 0) this.#schedule();
      });
    }, this.#options.pollMs);
  }

  async #poll(): Promise<void> {
    try {
      await this.#offerNew(this.#admit());
      this.#isFailing = false;
    } catch (error) {
      // Once for an outage, not four times a second.
      if (!this.#isFailing) this.#options.logger.warn({ err: error }, 'the event log could not be read');
      this.#isFailing = true;
    }
  }

  /** Lets in each that has come as far as the others. With nobody live, the others are those who wait. */
  #admit(): readonly EventSubscription[] {
    const waiting = this.#inState('caught-up');
    if (this.#inState('live').length === 0) this.#head = undefined;
    this.#head ??= earliest(waiting.map(({ position }) => position));
    const head = this.#head;
    if (head !== undefined) for (const subscription of waiting) subscription.admit(head);
    return this.#inState('live');
  }

  async #offerNew(live: readonly EventSubscription[]): Promise<void> {
    const { log, metrics } = this.#options;
    const tenantIds = [...new Set(live.map(({ tenantId }) => tenantId))];
    let isEnd = tenantIds.length === 0;
    while (!isEnd && !this.#isStopped) {
      const page = await log.read({ tenantIds, from: this.#head, limit: rowsPerPoll });
      this.#head = page.next;
      for (const subscription of live) subscription.offer(page);
      for (const { ageSeconds } of page.rows) metrics.eventDelaySeconds.observe(Math.max(0, ageSeconds));
      isEnd = page.isEnd;
    }
  }

  #inState(...states: readonly EventSubscription['state'][]): EventSubscription[] {
    return [...this.#subscriptions].filter(({ state }) => states.includes(state));
  }
}

function earliest(positions: readonly EventPosition[]): EventPosition | undefined {
  return positions.reduce<EventPosition | undefined>(
    (first, position) => (first === undefined || isBefore(position, first) ? position : first),
    undefined,
  );
}

function requireRoom(whose: 'tenant' | 'key', open = 0, max: number): void {
  if (open < max) return;
  throw new AppError('rate_limited', `This ${whose} has ${max} event streams open already.`, { retryAfterSeconds });
}

function addTo(counts: Map<string, number>, subject: string, change: 1 | -1): void {
  const count = (counts.get(subject) ?? 0) + change;
  if (count === 0) counts.delete(subject);
  else counts.set(subject, count);
}

function goingDown(): AppError {
  return new AppError('unavailable', 'Shutting down.', { retryAfterSeconds });
}
