import { createHash } from 'node:crypto';

/** Of an external id, as the database takes it. */
const maxCharacters = 256;

/** A name of the message that is the same each time that it is imported, from the ids that its source has. */
export function idOfSource(format: string, ids: readonly string[]): string {
  const id = [format, ...ids].join(':');
  return id.length <= maxCharacters && !id.includes('\0') && id.isWellFormed() ? id : digestOf(format, ids);
}

/** The same for a message without an id of its own: its conversation, its position there and what it says. */
export function idOfPosition(
  format: string,
  message: {
    readonly conversation: string;
    readonly position: string;
    readonly role: string;
    readonly content: string;
  },
): string {
  const { conversation, position, role, content } = message;
  return digestOf(format, [conversation, position, role, content]);
}

function digestOf(format: string, parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return `${format}:${hash.digest('hex').slice(0, 40)}`;
}
