import { z } from 'zod';

/** Every problem of a configuration at once. The message names variables and rules, never values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the variables that `shape` names from `env`. An empty string counts as unset. Variables that the
 * shape does not name are not looked at.
 *
 * @throws ConfigError naming each variable that is wrong. Values are not shown: they may be secrets.
 */
export function loadEnv<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>>,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(
    Object.keys(shape)
      // Of names that we have written ourselves.
      // oxlint-disable-next-line memory-layer/no-dictionary-lookup
      .map((name) => [name, env[name]?.trim()] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = z.object(shape).safeParse(given);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `  ${issue.path.map(String).join('.')}: ${issue.message}`);
  throw new ConfigError(`invalid configuration:\n${[...new Set(lines)].join('\n')}`);
}

/** Freezes a configuration, all the way down, so that nobody changes it on its way. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
