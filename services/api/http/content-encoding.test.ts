import { randomBytes } from 'node:crypto';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { inflate, inflateAll } from './content-encoding.ts';

test.each([
  ['gzip', gzipSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const)('%s: no more is inflated than is taken, nor read than that needs', async (coding, compress) => {
  const bomb = compress(Buffer.alloc(50_000_000));
  let inflated = 0;
  const taken = inflateAll(bomb, coding, (bytes) => {
    inflated += bytes;
    if (inflated > 1_000_000) throw new Error('enough');
  });
  await expect(taken).rejects.toThrow('enough');
  expect(inflated).toBeLessThan(1_100_000);

  const noise = compress(randomBytes(5_000_000));
  let [read, first] = [0, 0];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < noise.length; at += 16_384) {
      read += 1;
      yield noise.subarray(at, at + 16_384);
    }
  }
  for await (const chunk of inflate(source(), coding)) {
    first = chunk.length;
    break;
  }
  expect(first).toBeGreaterThan(0);
  expect(read).toBeLessThan(50);
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
] as const)('%s: what stands after the end of the stream is not passed over in silence', async (coding, compress) => {
  const text = Buffer.from('a line\n'.repeat(20_000));
  const whole = await inflateAll(compress(text), coding, () => undefined);
  expect(whole).toHaveLength(text.length);
  const more = Buffer.concat([compress(text), Buffer.from('and more')]);
  await expect(inflateAll(more, coding, () => undefined)).rejects.toMatchObject({ code: 'malformed_request' });
});
