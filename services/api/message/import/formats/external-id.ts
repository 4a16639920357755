import { createHash } from 'node:crypto';
import { textProblem } from '../../../http/field.schemas.ts';

/** Longest external id. */
const maxCharacters = 256;

/** An external id that is the same at each import, made of the ids of the source. */
export function idOfSource(format: string, ids: readonly string[]): string {
  const id = [format, ...ids].join(':');
  return id.length <= maxCharacters && textProblem(id) === undefined ? id : digestOf(format, ids);
}

/** The same for a message without an id, made of its conversation, its position there, its role and its content. */
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
