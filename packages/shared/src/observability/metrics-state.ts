import { Counter, Gauge, type Registry } from 'prom-client';
import type { Component } from '../lifecycle/component.ts';
import type { Readiness } from '../lifecycle/readiness.ts';
import type { EventLoopDelay } from './event-loop-delay.ts';
import { createSampler } from './metrics-sampler.ts';

/** Messages that wait for their embedding, and those that were given up. */
export interface PendingCounts {
  readonly pending: number;
  readonly failed: number;
  /** Age of the oldest pending one; 0 when there is none. */
  readonly oldestPendingSeconds: number;
}

type QueueState = 'waiting' | 'active' | 'delayed' | 'failed';

/** Where the gauges of how things stand get their values. What is not watched, or cannot be read, is not exposed. */
export interface Watch {
  /** The process wants traffic and the part that it cannot do without is not down. */
  readiness(readiness: Readiness, needed: Pick<Component, 'health'>): void;
  /** Connections of the pool, all and idle, and callers that wait for one. */
  database(read: () => { readonly total: number; readonly idle: number; readonly waiting: number }): void;
  queue(name: string, read: () => Promise<Readonly<Record<QueueState, number>>>): void;
  pending(read: () => Promise<PendingCounts>): void;
  /** Tenants that are searched in memory, and what they take. */
  tenantIndexes(read: () => { readonly tenants: number; readonly bytes: number }): void;
  /** How long the event loop kept work waiting within the last minute. */
  eventLoop(delay: Pick<EventLoopDelay, 'read'>): void;
  /** Log lines that no reader took, since the start. */
  droppedLines(read: () => number): void;
}

// Prometheus gives up after ten seconds; several readers may scrape one process.
const sampling = { maxAgeMs: 5000, timeoutMs: 2000 };
const pendingStates = ['pending', 'failed'] as const;
const queueStates = ['waiting', 'active', 'delayed', 'failed'] as const satisfies readonly QueueState[];

/** Gauges that are read when somebody looks. */
export function stateMetrics(registers: Registry[]): Watch {
  const updates = new Map<string, () => Promise<void>>();
  let readPool: (() => void) | undefined;
  let underWay: Promise<unknown> | undefined;

  /** Once for all gauges of a scrape. A pool counts callers for a moment even when it has connections for them. */
  function updateAll(): Promise<unknown> {
    underWay ??= update().finally(() => (underWay = undefined));
    return underWay;
  }

  async function update(): Promise<void> {
    // The pool first: what queries the database for this scrape is not to be counted.
    const all = [async () => readPool?.(), ...updates.values()];
    await Promise.allSettled(all.map((one) => one()));
  }

  const gauges = createGauges(registers, updateAll);
  // Without labels a gauge begins at 0, which would be said by processes that do not watch it.
  for (const gauge of [gauges.ready, gauges.waiting, gauges.oldestPending]) gauge.remove();

  /** A collector that fails says so, and takes its gauges back: old values would pass for new ones. */
  function sample<T>(collector: string, read: () => Promise<T>, show: (value: T | undefined) => void): void {
    const take = createSampler(read, sampling);
    updates.set(collector, async () => {
      const value = await take();
      gauges.collectorUp.set({ collector }, value === undefined ? 0 : 1);
      show(value);
    });
  }

  return {
    ...processMetrics(registers),
    ...tenantIndexMetrics(registers),

    readiness(readiness, needed) {
      const health = createSampler(async () => (await needed.health?.())?.status ?? 'ok', sampling);
      updates.set('readiness', async () => {
        const isReady = readiness.state === 'ready' && !['down', undefined].includes(await health());
        gauges.ready.set(isReady ? 1 : 0);
      });
    },

    database(read) {
      readPool = () => {
        const { total, idle, waiting } = read();
        gauges.connections.set({ state: 'busy' }, total - idle);
        gauges.connections.set({ state: 'idle' }, idle);
        gauges.waiting.set(waiting);
      };
    },

    queue(queue, read) {
      sample(`queue:${queue}`, read, (counts) => {
        for (const state of queueStates) {
          if (counts) gauges.queueJobs.set({ queue, state }, counts[state]);
          else gauges.queueJobs.remove({ queue, state });
        }
      });
    },

    pending(read) {
      sample('pending', read, (counts) => {
        for (const state of pendingStates) {
          if (counts) gauges.pending.set({ state }, counts[state]);
          else gauges.pending.remove({ state });
        }
        if (counts) gauges.oldestPending.set(counts.oldestPendingSeconds);
        else gauges.oldestPending.remove();
      });
    },
  };
}

/** Tenants in the memory of this process; not exposed by processes that have none. */
function tenantIndexMetrics(registers: Registry[]): Pick<Watch, 'tenantIndexes'> {
  let readState: (() => { readonly tenants: number; readonly bytes: number }) | undefined;
  const tenants = new Gauge({
    name: 'memory_tenant_indexes',
    help: 'Tenants that this process searches in memory.',
    registers,
    collect() {
      if (readState !== undefined) this.set(readState().tenants);
    },
  });
  const bytes = new Gauge({
    name: 'memory_tenant_index_bytes',
    help: 'Memory of the tenants that are searched there, estimated.',
    registers,
    collect() {
      if (readState !== undefined) this.set(readState().bytes);
    },
  });
  // Without labels a gauge begins at 0.
  for (const gauge of [tenants, bytes]) gauge.remove();
  return { tenantIndexes: (read) => void (readState = read) };
}

const noLines = (): number => 0;

/** What each process knows of itself. */
function processMetrics(registers: Registry[]): Pick<Watch, 'eventLoop' | 'droppedLines'> {
  let readDroppedLines = noLines;
  let loop: Pick<EventLoopDelay, 'read'> | undefined;
  const droppedLines = new Counter({
    name: 'memory_log_lines_dropped_total',
    help: 'Log lines that were lost because the reader of standard output has gone or does not keep up.',
    registers,
    collect() {
      this.reset();
      this.inc(readDroppedLines());
    },
  });
  droppedLines.inc(0);
  // oxlint-disable-next-line no-new -- registered by being made
  new Gauge({
    name: 'memory_event_loop_delay_seconds',
    help: 'How long the event loop kept work waiting within the last minute, by quantile (0.5, 0.99, max).',
    aggregator: 'max',
    labelNames: ['quantile'] as const,
    registers,
    collect() {
      if (loop === undefined) return;
      const { median, p99, max } = loop.read();
      this.set({ quantile: '0.5' }, median);
      this.set({ quantile: '0.99' }, p99);
      this.set({ quantile: 'max' }, max);
    },
  });
  return {
    eventLoop: (delay) => void (loop = delay),
    droppedLines: (read) => void (readDroppedLines = read),
  };
}

function createGauges(registers: Registry[], update: () => Promise<unknown>) {
  const shared = { registers, collect: async () => void (await update()) };
  return {
    ready: new Gauge({
      name: 'memory_ready',
      help: 'Whether this process does its work: 1 as /readyz answers 200, 0 as it answers 503.',
      aggregator: 'min',
      ...shared,
    }),
    connections: new Gauge({
      name: 'memory_database_pool_connections',
      help: 'Connections of this process to the database, by state (busy, idle).',
      labelNames: ['state'] as const,
      ...shared,
    }),
    waiting: new Gauge({
      name: 'memory_database_pool_waiting',
      help: 'Callers that wait for a connection to the database.',
      ...shared,
    }),
    queueJobs: new Gauge({
      name: 'memory_queue_jobs',
      help: 'Jobs in a queue, by state (waiting, active, delayed, failed). Every process sees the same ones.',
      aggregator: 'max',
      labelNames: ['queue', 'state'] as const,
      ...shared,
    }),
    pending: new Gauge({
      name: 'memory_pending_messages',
      help: 'Messages not embedded, by state (pending, failed). Every process sees the same ones.',
      aggregator: 'max',
      labelNames: ['state'] as const,
      ...shared,
    }),
    oldestPending: new Gauge({
      name: 'memory_oldest_pending_age_seconds',
      help: 'Age of the oldest message that waits for its embedding; 0 when none does.',
      aggregator: 'max',
      ...shared,
    }),
    collectorUp: new Gauge({
      name: 'memory_collector_up',
      help: 'Whether what a gauge shows could be read: 0 when its source is away.',
      aggregator: 'min',
      labelNames: ['collector'] as const,
      ...shared,
    }),
  };
}
