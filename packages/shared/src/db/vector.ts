import { toSql } from 'pgvector';

/** Texts of vectors that are asked with again and again; gone with their vectors. */
const remembered = new WeakMap<Float32Array, string>();

/** A vector as pgvector reads it: `[0.1,0.2,...]`. */
export function toVectorLiteral(vector: Float32Array): string {
  const known = remembered.get(vector);
  if (known !== undefined) return known;
  const literal = toSql(Array.from(vector));
  if (literal === null) throw new TypeError('a vector has no SQL form');
  return literal;
}

/**
 * Writes the literal of a vector once, for all statements that it will be in: 512 numbers take some 0.1 ms each time.
 * The vector must not change any more. Six digits, since a halfvec keeps fewer than four.
 *
 * @returns bytes that the literal takes.
 */
export function rememberVectorLiteral(vector: Float32Array): number {
  const literal = `[${Array.from(vector, (value) => Number(value.toPrecision(6))).join(',')}]`;
  remembered.set(vector, literal);
  return literal.length;
}
