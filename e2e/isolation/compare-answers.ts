import type { SentAnswer } from './send-draft.ts';

/** What differs between any two answers. The length is that of the body, which is compared. */
const passing = new Set(['date', 'x-request-id', 'ratelimit', 'retry-after', 'content-length']);
const isPassing = (name: string): boolean => passing.has(name) || name.startsWith('x-ratelimit-');

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/**
 * An answer without what was asked for, ids and times. Two that tell nothing are the same then.
 *
 * @param asked what may be repeated, the longest first.
 */
export function withoutNames({ status, headers, body }: SentAnswer, asked: readonly string[]) {
  const hide = (text: string): string =>
    asked
      .reduce((left, one) => left.replaceAll(one, '<asked>'), text)
      .replaceAll(uuid, '<id>')
      .replaceAll(time, '<time>')
      // Of a key that was made.
      .replaceAll(/("key(?:_id)?":)"[^"]*"/g, '$1"<key>"')
      // Scores fall with time, and so does their number of digits.
      .replaceAll(/-?\d+\.\d+(?:e-?\d+)?/g, '<number>')
      .replaceAll(/("(?:latency_ms|uptime_seconds)":)\d+/g, '$1<number>');
  const shown = [...headers].filter(([name]) => !isPassing(name)).map(([name, value]) => [name, hide(value)] as const);
  return { status, headers: Object.fromEntries(shown), body: hide(body) };
}

/** Marks of a tenant in a text that was not asked for them. */
export function marksIn(text: string, marks: readonly string[], asked: readonly string[] = []): string[] {
  const lower = text.toLowerCase();
  const repeated = new Set(asked.map((one) => one.toLowerCase()));
  return marks.filter((mark) => lower.includes(mark.toLowerCase()) && !repeated.has(mark.toLowerCase()));
}

/** Tenants that an answer of success is about. */
export function tenantsIn(body: string): string[] {
  return [...body.matchAll(/"tenant_id":"((?:[^"\\]|\\.)*)"/g)].map(([, tenant = '']) => tenant);
}
