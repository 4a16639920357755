import type { Component } from '@memory-layer/shared/lifecycle/component';
import { createRepeatingTask } from '@memory-layer/shared/lifecycle/repeating-task';
import type { Logger } from '@memory-layer/shared/observability/logger';
import type { Tenant, TenantUsage } from '../access/tenant.ts';
import type { TenantUsageRepository } from './tenant-usage.repository.ts';

/** How long what one process stores is not known to others. */
const flushMs = 5000;
/** After this time a tenant is counted anew: what was deleted meanwhile is free again. */
const recountMs = 300_000;
/** A tenant of whom nothing was stored here for so long is forgotten. */
const idleMs = 60_000;
// Counting reads rows: with no limit of messages, at most so many.
const maxCounted = 10_000_000;

export interface TenantMeterDeps {
  readonly usage: TenantUsageRepository;
  readonly logger: Logger;
  readonly nowMs?: () => number;
}

interface Meter {
  tenant: Tenant;
  known: TenantUsage | undefined;
  unknown: { messages: number; bytes: number };
  usedAt: number;
}

/**
 * How much the tenants have that may not have more than a limit, as far as this process knows: what was counted, what
 * all have added up to some seconds ago, and what it has stored itself since. Others are not metered and cost nothing.
 */
export class TenantMeter implements Component {
  readonly #deps: TenantMeterDeps;
  readonly #meters = new Map<string, Meter>();
  readonly #task: Component;

  constructor(deps: TenantMeterDeps) {
    this.#deps = deps;
    this.#task = createRepeatingTask({
      id: 'tenant-meter',
      run: () => this.refresh(),
      everyMs: flushMs,
      onError: (error) => deps.logger.warn({ err: error }, 'what tenants have is not counted'),
    });
  }

  get id(): string {
    return this.#task.id;
  }

  /** What a tenant has, that is metered. The first time it is asked for. */
  async read(tenant: Tenant): Promise<TenantUsage> {
    const meter = this.#meterOf(tenant);
    if (meter.known === undefined) await this.#load([meter]);
    const { known = { messages: 0, bytes: 0 }, unknown } = meter;
    return { messages: known.messages + unknown.messages, bytes: known.bytes + unknown.bytes };
  }

  /** A message was stored. */
  add(tenantId: string, bytes: number): void {
    const unknown = this.#meters.get(tenantId)?.unknown;
    if (unknown === undefined) return;
    unknown.messages += 1;
    unknown.bytes += bytes;
  }

  /** Tells the others what was stored here, and learns what they have. */
  async refresh(): Promise<void> {
    const meters = [...this.#meters.values()];
    await this.#flush(meters);
    const idleSince = this.#now() - idleMs;
    for (const meter of meters) if (meter.usedAt < idleSince) this.#meters.delete(meter.tenant.tenantId);
    await this.#load([...this.#meters.values()]);
  }

  start(): Promise<void> {
    return this.#task.start();
  }

  async stop(): Promise<void> {
    await this.#task.stop();
    await this.#flush([...this.#meters.values()]).catch((error: unknown) =>
      this.#deps.logger.warn({ err: error }, 'what tenants have is not counted'),
    );
  }

  #meterOf(tenant: Tenant): Meter {
    const meter = this.#meters.get(tenant.tenantId) ?? {
      tenant,
      known: undefined,
      unknown: { messages: 0, bytes: 0 },
      usedAt: 0,
    };
    meter.tenant = tenant;
    meter.usedAt = this.#now();
    this.#meters.set(tenant.tenantId, meter);
    return meter;
  }

  async #flush(meters: readonly Meter[]): Promise<void> {
    const added = meters.filter(({ unknown }) => unknown.messages > 0);
    if (added.length === 0) return;
    const rows = added.map(({ tenant, unknown }) => ({ tenantId: tenant.tenantId, ...unknown }));
    await this.#deps.usage.add(rows);
    for (const [index, { messages, bytes }] of rows.entries()) {
      const meter = added[index];
      if (meter === undefined) continue;
      // Known by now, and asked for next; what came meanwhile stays.
      meter.unknown = { messages: meter.unknown.messages - messages, bytes: meter.unknown.bytes - bytes };
      meter.known = { messages: (meter.known?.messages ?? 0) + messages, bytes: (meter.known?.bytes ?? 0) + bytes };
    }
  }

  async #load(meters: readonly Meter[]): Promise<void> {
    if (meters.length === 0) return;
    const { usage } = this.#deps;
    const ids = meters.map(({ tenant }) => tenant.tenantId);
    const found = await usage.load(ids);
    const due = meters.filter(({ tenant }) => (found.get(tenant.tenantId)?.countedMsAgo ?? Infinity) > recountMs);
    for (const { tenant } of due) await usage.recount(tenant.tenantId, (tenant.maxMessages ?? maxCounted) + 1);
    const counted = due.length === 0 ? found : await usage.load(ids);
    for (const meter of meters) meter.known = counted.get(meter.tenant.tenantId) ?? meter.known;
  }

  #now(): number {
    return this.#deps.nowMs?.() ?? performance.now();
  }
}
