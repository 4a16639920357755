import type { Role } from '@memory-layer/shared/db/schema';

// Weights and role values of the service this one replaces, without its recency part: recency is decay's,
// at search time, so that a stored importance never depends on when it is looked at.
const roleWeight = 0.2;
const explicitWeight = 0.4;
const roleValue: Readonly<Record<Role, number>> = { system: 0.9, user: 0.7, assistant: 0.5, tool: 0.3 };

/**
 * The importance stored with a message, 0 to 1: what the client gave, else what its role alone is worth
 * (system .3, user .233, assistant .167, tool .1).
 */
export function importanceOf(role: Role, override: number | undefined): number {
  if (override !== undefined) return override;
  return (roleWeight * roleValue[role]) / (roleWeight + explicitWeight);
}
