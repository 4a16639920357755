import { z } from 'zod';

/** A number of requests in a number of seconds. */
export interface Rate {
  readonly requests: number;
  readonly windowSeconds: number;
}

const secondsIn = { second: 1, minute: 60, hour: 3600, day: 86_400 } as const;

/**
 * Reads `N/second|minute|hour|day`, as the service that this one replaces did; `off` is no limit. It stays a word here:
 * a default takes the place of undefined.
 */
export const rateSchema = z
  .string()
  .regex(/^(?:off|[1-9]\d{0,8}\/(?:second|minute|hour|day))$/, 'must be off or N/second, N/minute, N/hour or N/day')
  .transform((text): Rate | 'off' => {
    if (text === 'off') return text;
    const [requests, unit] = text.split('/');
    const windowSeconds = new Map<string, number>(Object.entries(secondsIn)).get(unit ?? '') ?? 1;
    return { requests: Number(requests), windowSeconds };
  });

/** @returns undefined for no limit. */
export function limitOf(rate: Rate | 'off'): Rate | undefined {
  return rate === 'off' ? undefined : rate;
}
