/** What a key may do. Every operation of the API asks for one of these: see `x-required-scope` in docs/openapi.json. */
export const scopes = [
  'messages:read',
  'messages:write',
  'search',
  'events',
  'retention',
  'erase',
  'metrics',
  'admin',
] as const;

export type Scope = (typeof scopes)[number];

/** What a key of the environment may do that names no scopes. */
export const allScopes: ReadonlySet<Scope> = new Set(scopes);

export function isScope(text: string): text is Scope {
  return scopes.some((scope) => scope === text);
}
