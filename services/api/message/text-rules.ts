/** Why PostgreSQL or a reader could not keep this text as it is; undefined when they can. */
export function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the NUL character';
  if (!text.isWellFormed()) return 'must not contain a lone surrogate';
  return undefined;
}

/** Whether the text has at most `max` characters, counted as Unicode code points. */
export function hasAtMost(text: string, max: number): boolean {
  if (text.length <= max) return true;
  if (text.length > max * 2) return false;
  // Code points, as the database counts them: the two halves of a pair are one.
  let characters = text.length;
  for (let n = 0; n < text.length && characters > max; n++) {
    if ((text.charCodeAt(n) & 0xfc00) === 0xd800 && (text.charCodeAt(n + 1) & 0xfc00) === 0xdc00) {
      characters -= 1;
      n += 1;
    }
  }
  return characters <= max;
}
