import { quoteIdentifier, quoteLiteral } from '../sql/quote.ts';

/** The settings and role of one client that differ from the engine's own. */
export interface SessionSettings {
  readonly values: readonly (readonly [name: string, value: string])[];
  /** User of the session; undefined: the engine's. */
  readonly user: string | undefined;
  /** Set by SET ROLE; undefined: none. */
  readonly role: string | undefined;
}

export const engineUser = 'postgres';

export const noSettings: SessionSettings = { values: [], user: undefined, role: undefined };

/** Settings that hold a list of names: a quoted literal would be one name. */
const nameLists = new Set(['search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries']);

const sessionSettings =
  "SELECT s.name, s.setting FROM pg_catalog.pg_show_all_settings() s WHERE s.source OPERATOR(pg_catalog.=) 'session'";

/**
 * SQL that reads what the client that ran last has set, and puts the role back. It answers rows of (role, user), then
 * of (name, value). Names are qualified, so that a client's search_path cannot stand in.
 * @param customNames settings with a dot in their name to ask for: PostgreSQL does not list them
 */
export function readSettings(customNames: readonly string[]): string {
  const statements = [
    "SELECT pg_catalog.current_setting('role'), pg_catalog.current_setting('session_authorization')",
    'RESET SESSION AUTHORIZATION',
    sessionSettings,
    ...customNames.map(quoteLiteral).map((name) => `SELECT ${name}, pg_catalog.current_setting(${name}, true)`),
  ];
  return statements.join(';');
}

/** The settings from the rows that {@link readSettings} answers. */
export function settingsFromRows(rows: readonly (readonly (string | null)[])[]): SessionSettings {
  const [[role, user] = [], ...values] = rows;
  const settings = values.flatMap(([name, value]): [string, string][] =>
    typeof name === 'string' && typeof value === 'string' ? [[name, value]] : [],
  );
  return {
    values: settings,
    // The engine reports no user at all until somebody has set one.
    user: user === engineUser || user === '' ? undefined : (user ?? undefined),
    role: role === 'none' ? undefined : (role ?? undefined),
  };
}

/** SQL that takes away whatever another client has set, and puts these settings in force. */
export function restoreSettings(settings: SessionSettings): string {
  const statements = ['RESET SESSION AUTHORIZATION', 'RESET ALL'];
  for (const [name, value] of settings.values) statements.push(setStatement(name, value));
  if (settings.user !== undefined) statements.push(`SET SESSION AUTHORIZATION ${quoteIdentifier(settings.user)}`);
  if (settings.role !== undefined) statements.push(`SET ROLE ${quoteIdentifier(settings.role)}`);
  return statements.join(';');
}

function setStatement(name: string, value: string): string {
  const variable = name.split('.').map(quoteIdentifier).join('.');
  if (!nameLists.has(name.toLowerCase())) return `SET ${variable} TO ${quoteLiteral(value)}`;
  const names = splitNames(value);
  return `SET ${variable} TO ${names.length > 0 ? names.map(quoteIdentifier).join(', ') : "''"}`;
}

/** The names of a list such as `"$user", public`, folded as PostgreSQL's SplitIdentifierString does. */
function splitNames(list: string): string[] {
  const items = list.matchAll(/\s*("(?:[^"]|"")*"|[^,]*)\s*(?:,|$)/g);
  const written = [...items].map(([, name = '']) => name.trim()).filter((name) => name !== '');
  return (
    written
      .map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()))
      // An emptied list reads back as `""`: a name of no length, which cannot be written.
      .filter((name) => name !== '')
  );
}
