/**
 * Writes the Protocol Buffers wire format: only the four field kinds that an ONNX file needs.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

const wireTypeVarint = 0;
const wireTypeLengthDelimited = 2;
const wireTypeFixed32 = 5;

function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

function tag(field: number, wireType: number): Buffer {
  return varint((field << 3) | wireType);
}

/** An integer field; negative numbers are written in two's complement, as int64 wants it. */
export function intField(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, wireTypeVarint), varint(value)]);
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([tag(field, wireTypeFixed32), bytes]);
}

/** A field of raw bytes; an embedded message is written the same way. */
export function bytesField(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([tag(field, wireTypeLengthDelimited), varint(value.length), value]);
}

export function stringField(field: number, value: string): Buffer {
  return bytesField(field, Buffer.from(value, 'utf8'));
}

/** Fields in order make a message. */
export function message(...fields: readonly Uint8Array[]): Buffer {
  return Buffer.concat(fields);
}
