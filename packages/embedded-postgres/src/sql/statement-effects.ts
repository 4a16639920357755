import { foldIdentifier } from './quote.ts';
import { splitStatements } from './split-statements.ts';

export type ListenChange =
  | { readonly kind: 'listen' | 'unlisten'; readonly channel: string }
  | { readonly kind: 'unlisten-all' };

/** What SQL text does to the one backend session beyond the data: things that must stay with its client. */
export interface StatementEffects {
  /** May leave a setting or role behind when its transaction has ended. */
  readonly changesSettings: boolean;
  /** Settings with a dot in their name that it may set; PostgreSQL lists all others, but not these. */
  readonly customSettings: readonly string[];
  readonly listens: readonly ListenChange[];
  /** Why the text cannot be run here. */
  readonly refusal: string | undefined;
}

export const noEffects: StatementEffects = {
  changesSettings: false,
  customSettings: [],
  listens: [],
  refusal: undefined,
};

/** Most text holds none of these words and is not looked at further. */
const interestingPattern = /\b(?:set|reset|set_config|listen|unlisten|discard|deallocate|copy|do|call)\b/i;
const namePattern = String.raw`("(?:[^"]|"")*"|[^\s"]+)`;
const listenPattern = new RegExp(String.raw`^listen\s*${namePattern}$`, 'i');
const unlistenPattern = new RegExp(String.raw`^unlisten\s*(\*|${namePattern})$`, 'i');
const settingPattern = /^(?:set\s+(?!local\b|transaction\b|constraints\b)|reset\b|do\b|call\b)/i;
const setConfigPattern = /\bset_config\s*\(/gi;
const setConfigLocalPattern = /\bset_config\s*\([^()]*,\s*(?:true|''::bool(?:ean)?)\s*\)/gi;
const customNamePattern = String.raw`(?:[\w$]+|"[^"]+")(?:\.(?:[\w$]+|"[^"]+"))+`;
/** Looked for in the text with its strings: the name is one, or is inside one. Finding too many does no harm. */
const customSettingPattern = new RegExp(
  String.raw`\bset_config\s*\(\s*'(${customNamePattern})'|\bset\s+(?:session\s+)?(${customNamePattern})`,
  'gi',
);
const copyFromStdinPattern = /^copy\b[^]*\bfrom\s+stdin\b/i;
const discardForAllPattern = /^(?:discard\s+(?:all|temp|temporary)|deallocate\s+(?:prepare\s+)?all)\b/i;

export function readStatementEffects(sql: string): StatementEffects {
  if (!interestingPattern.test(sql)) return noEffects;
  const effects = combineEffects(splitStatements(sql).map((statement) => effectsOf(statement)));
  return effects.changesSettings ? { ...effects, customSettings: customSettingsIn(sql) } : effects;
}

export function combineEffects(effects: readonly StatementEffects[]): StatementEffects {
  const [first] = effects;
  if (effects.length <= 1) return first ?? noEffects;
  return {
    changesSettings: effects.some((effect) => effect.changesSettings),
    customSettings: effects.flatMap((effect) => effect.customSettings),
    listens: effects.flatMap((effect) => effect.listens),
    refusal: effects.find((effect) => effect.refusal !== undefined)?.refusal,
  };
}

function effectsOf(statement: string): StatementEffects {
  return {
    ...noEffects,
    changesSettings: settingPattern.test(statement) || setsConfigForSession(statement),
    listens: listenChanges(statement),
    refusal: refusalOf(statement),
  };
}

/** Whether a call of set_config is there that is not plainly local to its transaction. */
function setsConfigForSession(statement: string): boolean {
  const calls = statement.match(setConfigPattern)?.length ?? 0;
  return calls > (statement.match(setConfigLocalPattern)?.length ?? 0);
}

function customSettingsIn(sql: string): string[] {
  const names = [...sql.matchAll(customSettingPattern)].map(([, configured, set]) => configured ?? set ?? '');
  return [...new Set(names.map((name) => name.replaceAll('"', '').toLowerCase()))];
}

function listenChanges(statement: string): readonly ListenChange[] {
  const listened = listenPattern.exec(statement)?.[1];
  if (listened !== undefined) return [{ kind: 'listen', channel: foldIdentifier(listened) }];
  const unlistened = unlistenPattern.exec(statement)?.[1];
  if (unlistened === undefined) return [];
  return [unlistened === '*' ? { kind: 'unlisten-all' } : { kind: 'unlisten', channel: foldIdentifier(unlistened) }];
}

function refusalOf(statement: string): string | undefined {
  // The engine cannot wait for CopyData in the middle of a statement: it would take it for the end of its client.
  if (copyFromStdinPattern.test(statement)) return 'COPY FROM STDIN is not supported by the embedded database';
  if (discardForAllPattern.test(statement)) {
    return 'DISCARD and DEALLOCATE ALL are not supported by the embedded database: its clients share one session';
  }
  return undefined;
}
