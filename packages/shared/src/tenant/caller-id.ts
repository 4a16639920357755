import { hash } from 'node:crypto';
import { z } from 'zod';

/** Characters that an id has at most, as Unicode code points: at most 512 bytes in UTF-8. */
export const maxIdCharacters = 128;

// \p{Cs} is a lone surrogate; \p{Zl} and \p{Zp} are the separators of lines and paragraphs.
const printable = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufffe\uffff]{1,128}$/u;

/** The message for text that is not an id. */
export const idRule = `must be 1 to ${maxIdCharacters} printable characters, without whitespace at its ends`;

/**
 * Whether the text can be the id of a tenant or of a conversation, which callers choose: `auth0|a1`, an e-mail address,
 * `!room:server`. Ids are compared as they are sent; nothing about them is normalised.
 */
export function isCallerId(text: string): boolean {
  // A code point has at most two UTF-16 units, so a longer text need not be matched.
  return text.length <= maxIdCharacters * 2 && printable.test(text) && text.trim() === text;
}

/** The same as a schema. */
export const callerIdSchema = z.string().refine(isCallerId, idRule);

/** An id in a list of settings, where commas, colons, blanks and `%` are percent-encoded. @returns undefined for none. */
export function decodeCallerId(text: string): string | undefined {
  try {
    const id = decodeURIComponent(text);
    return isCallerId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

const plain = /^[A-Za-z0-9_.-]+$/;

/**
 * An id as part of a job id, in which the queue reserves `:`. Different ids have different parts: an id that is not plain
 * becomes its hash, after a character that no plain id has.
 */
export function toJobIdPart(id: string): string {
  return plain.test(id) ? id : `%${hash('sha256', id, 'hex')}`;
}
