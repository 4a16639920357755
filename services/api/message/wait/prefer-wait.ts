/** Waiting longer is not promised: proxies and load balancers end what is silent for a minute. */
export const maxWaitSeconds = 60;

// Preferences may be ignored, and nobody means so many.
const maxHeaderLength = 1024;

/**
 * The seconds of `wait=N` in a `Prefer` header field (RFC 7240, section 4.3), at most `maxSeconds`. A preference is no
 * demand: what is unknown, malformed, zero or too long is ignored, and of several `wait` the first one counts (section 2).
 *
 * @param header all values of the field, joined by commas.
 */
export function parsePreferWait(header: string | undefined, maxSeconds = maxWaitSeconds): number | undefined {
  if (header === undefined || header.length > maxHeaderLength) return undefined;
  for (const preference of splitOutsideQuotes(header, ',')) {
    const [first = ''] = splitOutsideQuotes(preference, ';');
    const equals = first.indexOf('=');
    const name = equals === -1 ? first : first.slice(0, equals);
    if (name.trim().toLowerCase() !== 'wait') continue;
    const value = equals === -1 ? '' : first.slice(equals + 1).trim();
    const seconds = Math.min(Number(/^(?:"\d+"|\d+)$/.test(value) ? value.replaceAll('"', '') : 0), maxSeconds);
    return seconds > 0 ? seconds : undefined;
  }
  return undefined;
}

/** The value of `Preference-Applied` (RFC 7240, section 3) for a wait of so long. */
export function preferenceApplied(seconds: number): string {
  return `wait=${seconds}`;
}

/** The parts of a list: a separator within quotes is none. A quote that is never closed is a character like others. */
function splitOutsideQuotes(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let start = 0;
  let isUnclosed = false;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === separator) {
      parts.push(text.slice(start, at));
      start = at + 1;
    } else if (text[at] === '"' && !isUnclosed) {
      const end = closingQuote(text, at);
      // Behind a quote that is not closed none is: nothing is looked for twice.
      isUnclosed = end === undefined;
      at = end ?? at;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function closingQuote(text: string, open: number): number | undefined {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at;
    if (text[at] === '\\') at += 1;
  }
  return undefined;
}
