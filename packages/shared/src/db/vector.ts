import { toSql } from 'pgvector';

/** A vector as pgvector reads it: `[0.1,0.2,...]`. */
export function toVectorLiteral(vector: Float32Array): string {
  const literal = toSql(Array.from(vector));
  if (literal === null) throw new TypeError('a vector has no SQL form');
  return literal;
}
