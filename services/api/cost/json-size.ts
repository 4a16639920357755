/**
 * Whether a value that came out of JSON has at most `max` bytes as JSON text in UTF-8, without spaces: as
 * `JSON.stringify` writes it, but for numbers, which PostgreSQL keeps without an exponent (1e-300 has 302 digits). It
 * looks at no more than `max` bytes, and writes nothing for what is far below.
 */
export function hasAtMostJsonBytes(value: unknown, max: number): boolean {
  return fits(value, max, greatestTextBytes) || fits(value, max, textBytes);
}

function fits(value: unknown, max: number, bytesOf: (text: string, left: number) => number): boolean {
  let left = max;
  // Not by recursion: a caller can nest deeper than the stack is.
  const open: unknown[] = [value];
  while (open.length > 0 && left >= 0) {
    const part = open.pop();
    if (typeof part === 'string') {
      left -= bytesOf(part, left);
    } else if (typeof part !== 'object' || part === null) {
      left -= typeof part === 'number' ? numberBytes(part) : String(part).length;
    } else if (Array.isArray(part)) {
      left -= Math.max(2, part.length + 1);
      if (left >= 0) for (const item of part) open.push(item);
    } else {
      for (const [key, item] of Object.entries(part)) {
        left -= bytesOf(key, left) + 2;
        if (left < 0) return false;
        open.push(item);
      }
      left -= Object.keys(part).length === 0 ? 2 : 1;
    }
  }
  return left >= 0;
}

function numberBytes(value: number): number {
  const text = JSON.stringify(value);
  const exponent = text.indexOf('e-');
  return exponent === -1 ? text.length : exponent + 1 + Number(text.slice(exponent + 2));
}

/** A control character is written with six bytes, and no UTF-16 unit with more. */
function greatestTextBytes(text: string): number {
  return text.length * 6 + 2;
}

function textBytes(text: string, left: number): number {
  const least = text.length + 2;
  return least > left ? least : Buffer.byteLength(JSON.stringify(text));
}

export interface JsonShape {
  /** Of the outermost object. */
  readonly members: number;
  /** Values and names in all, counted by the brackets, colons and commas between them. */
  readonly parts: number;
}

const code = (character: string) => character.charCodeAt(0);
const [quote, backslash, comma, colon] = [code('"'), code('\\'), code(','), code(':')];
const [openBrace, closeBrace, openBracket, closeBracket] = [code('{'), code('}'), code('['), code(']')];

/**
 * Whether JSON text has at most so many parts: what it costs to parse and to check goes by them, not by its length. It
 * reads the text once, up to the first part too many; of text that is no JSON it says anything.
 */
export function isWithinShape(text: string, { members, parts }: JsonShape): boolean {
  // Each part has a character of its own, and each member two: most messages need no look.
  if (text.length <= Math.min(parts, 2 * members)) return true;
  let [depth, seenMembers, seenParts] = [0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === quote) {
      at = endOfString(text, at);
    } else if (character === comma || character === colon) {
      seenParts += 1;
      if (depth === 1) seenMembers += 1;
    } else if (character === openBrace || character === openBracket) {
      seenParts += 1;
      depth += 1;
    } else if (character === closeBrace || character === closeBracket) {
      depth -= 1;
    }
    // A member has a colon, and a comma before it.
    if (seenParts > parts || seenMembers > 2 * members) return false;
  }
  return true;
}

/** Place of the quote that ends the string which starts here, or of the last character. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === backslash) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}
