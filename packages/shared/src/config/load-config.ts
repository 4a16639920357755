import { z } from 'zod';
import { isLiteral } from './env-fields.ts';
import { unknownSettings } from './setting-names.ts';

/** Every problem of a configuration at once. The message names variables and rules, never values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The error for problems of the form `VARIABLE: what is wrong with it`; a single one makes a single line. */
export function invalidConfiguration(problems: readonly string[], options?: ErrorOptions): ConfigError {
  const lines = problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n  ${problem}`).join('');
  return new ConfigError(`invalid configuration:${lines}`, options);
}

/**
 * Reads the variables that `shape` names from `env`. An empty string counts as unset, but for `literalText`. Variables of other services may
 * be there too; one of memory-layer's prefix that no service reads is a mistake.
 *
 * @throws ConfigError naming each variable that is wrong. Values are not shown: they may be secrets.
 */
export function loadEnv<Shape extends z.ZodRawShape>(
  shape: Shape,
  env: Readonly<Record<string, string | undefined>>,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(
    Object.entries(shape)
      .map(([name, field]) => {
        // Of names that we have written ourselves.
        // oxlint-disable-next-line memory-layer/no-dictionary-lookup
        const text = env[name];
        const value = isLiteral(field) ? text : text?.trim();
        return [name, value === '' && !isLiteral(field) ? undefined : value] as const;
      })
      .filter(([, value]) => value !== undefined),
  );
  const parsed = z.object(shape).safeParse(given);
  const issues = parsed.error?.issues ?? [];
  const wrong = issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
  const problems = [...new Set(wrong), ...unknownSettings(env)];
  if (problems.length > 0 || !parsed.success) throw invalidConfiguration(problems);
  return parsed.data;
}

/** Freezes a configuration, all the way down, so that nobody changes it on its way. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
