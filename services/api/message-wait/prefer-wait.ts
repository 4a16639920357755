const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
// Commas and semicolons within quotes do not separate. A quote that is never closed belongs to its preference.
const preferences = new RegExp(`(?:[^,"]|${quoted}|")+`, 'g');
const beforeParameters = new RegExp(`^(?:[^;"]|${quoted})*`);
const waitFor = new RegExp(`^wait[ \\t]*(?:=[ \\t]*(?<value>.*))?$`, 'is');

/** Waiting longer is not promised: proxies and load balancers end what is silent for a minute. */
export const maxWaitSeconds = 60;

/**
 * The seconds of `wait=N` in a `Prefer` header field (RFC 7240, section 4.3), at most so many. A preference is no
 * demand: what is unknown, malformed or zero is ignored, and of several `wait` the first one counts (section 2).
 *
 * @param header all values of the field, joined by commas.
 */
export function parsePreferWait(header: string | undefined, maxSeconds = maxWaitSeconds): number | undefined {
  for (const preference of header?.match(preferences) ?? []) {
    const wait = waitFor.exec(beforeParameters.exec(preference.trim())?.[0].trim() ?? '');
    if (wait === null) continue;
    const digits = /^(?:"(?<quoted>\d+)"|(?<plain>\d+))$/.exec(wait.groups?.['value'] ?? '')?.groups;
    const seconds = Math.min(Number(digits?.['quoted'] ?? digits?.['plain'] ?? 0), maxSeconds);
    return seconds > 0 ? seconds : undefined;
  }
  return undefined;
}

/** The value of `Preference-Applied` (RFC 7240, section 3) for a wait of so long. */
export function preferenceApplied(seconds: number): string {
  return `wait=${seconds}`;
}
