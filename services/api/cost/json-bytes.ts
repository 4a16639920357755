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
