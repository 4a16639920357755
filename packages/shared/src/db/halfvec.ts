/// <reference lib="esnext.float16" />
import { setImmediate as turn } from 'node:timers/promises';
import { sql, type Kysely } from 'kysely';
import type { Schema } from './schema.ts';

const headerBytes = 20;
/** Length of the element, then pgvector's own: dimension and a field that is not used. */
const elementHeaderBytes = 8;
const elementLengthBytes = 4;
/** After this many vectors the event loop has its turn: 512 dimensions of each take some 5 ms. */
const vectorsPerTurn = 512;

/**
 * Vectors as a parameter of type `halfvec[]` in PostgreSQL's binary form, which `pg` sends a Buffer in: measured at a
 * twentieth of the CPU that literals cost here, and a third of what they cost the server. Components are rounded to
 * the nearest half precision number.
 *
 * Source: array_recv in PostgreSQL's arrayfuncs.c, halfvec_recv in pgvector's halfvec.c.
 *
 * @param typeOid the database's own number of the type halfvec; see {@link findHalfvecOid}.
 */
export async function encodeHalfvecs(vectors: readonly Float32Array[], typeOid: number): Promise<Buffer> {
  const bytes = vectors.reduce((sum, vector) => sum + elementHeaderBytes + vector.length * 2, headerBytes);
  const buffer = Buffer.allocUnsafe(bytes);
  const hasElements = vectors.length > 0;
  // Dimensions of the array, no nulls, element type; then count and lower bound of the one dimension.
  buffer.writeInt32BE(hasElements ? 1 : 0, 0);
  buffer.writeInt32BE(0, 4);
  buffer.writeUInt32BE(typeOid, 8);
  if (!hasElements) return buffer.subarray(0, 12);
  buffer.writeInt32BE(vectors.length, 12);
  buffer.writeInt32BE(1, 16);
  let at = headerBytes;
  for (const [index, vector] of vectors.entries()) {
    if (index > 0 && index % vectorsPerTurn === 0) await turn();
    at = writeHalfvec(buffer, at, vector);
  }
  return buffer;
}

function writeHalfvec(buffer: Buffer, at: number, vector: Float32Array): number {
  const halves = Buffer.from(new Float16Array(vector).buffer).swap16();
  buffer.writeInt32BE(halves.length + 4, at);
  buffer.writeInt16BE(vector.length, at + 4);
  buffer.writeInt16BE(0, at + 6);
  halves.copy(buffer, at + elementHeaderBytes);
  return at + elementHeaderBytes + halves.length;
}

/**
 * A vector as a parameter of type `halfvec` in PostgreSQL's binary form: a fifth of a literal's bytes, which are neither
 * written nor read as decimals. Components are rounded to the nearest half precision number.
 */
export function encodeHalfvec(vector: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(elementHeaderBytes + vector.length * 2);
  return buffer.subarray(elementLengthBytes, writeHalfvec(buffer, 0, vector));
}

/** A vector as halfvec_send gives it. Source: pgvector's halfvec.c: dimension, a field not used, components. */
export function decodeHalfvec(bytes: Uint8Array): Float32Array {
  const halves = Buffer.from(bytes.subarray(elementHeaderBytes - elementLengthBytes)).swap16();
  // A copy of its own: a Float16Array has to begin at an even address.
  return new Float32Array(new Float16Array(Uint8Array.from(halves).buffer));
}

/** The number of an extension's type is the database's own. */
export async function findHalfvecOid(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ oid: number }>`select 'halfvec'::regtype::oid as oid`.execute(db);
  const oid = rows[0]?.oid;
  if (oid === undefined) throw new Error('the type halfvec has no number');
  return oid;
}
