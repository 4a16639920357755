import { setTimeout as sleep } from 'node:timers/promises';
import type { Component } from '../lifecycle/component.ts';
import type { Readiness } from '../lifecycle/readiness.ts';

export interface ReadinessParts {
  readonly readiness: Pick<Readiness, 'state'>;
  /** Parts whose health decides readiness, besides the process wanting traffic. */
  readonly needed: readonly Pick<Component, 'id' | 'health'>[];
}

// A part that hangs is as little use as one that is down, and every probe must be answered.
const healthTimeoutMs = 2000;

/** Why a process is not ready, in a word for probes; undefined when it is. */
export async function readinessProblem({ readiness, needed }: ReadinessParts): Promise<string | undefined> {
  if (readiness.state !== 'ready') return readiness.state;
  const reasons = await Promise.all(needed.map((part) => whyDown(part)));
  return reasons.find((reason) => reason !== undefined);
}

/** @returns undefined when it is not down */
async function whyDown(part: Pick<Component, 'id' | 'health'>): Promise<string | undefined> {
  const timer = new AbortController();
  const late = sleep(healthTimeoutMs, part.id, { signal: timer.signal }).catch(() => part.id);
  try {
    const health = part.health?.().then(
      ({ status, reason = part.id }) => (status === 'down' ? reason : undefined),
      () => part.id,
    );
    return await Promise.race([late, health]);
  } finally {
    timer.abort();
  }
}
