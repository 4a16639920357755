import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { brotliCompressSync, constants, createZstdCompress, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { inflate, inflateAll } from './content-encoding.ts';

test.each([
  ['gzip', gzipSync],
  // At its default quality Brotli compresses this for many seconds.
  ['br', (bytes: Buffer) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } })],
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

test('zstd: a frame that needs a window of more than 8 MB is refused', async () => {
  const framed = async (windowLog: number) => {
    const compressor = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: windowLog } });
    const compressed = buffer(compressor);
    // Written in two parts: of a known size the frame would need no larger window.
    compressor.write('We board ');
    compressor.end('at nine.');
    return inflateAll(await compressed, 'zstd', () => undefined);
  };
  expect(String(await framed(23))).toBe('We board at nine.');
  await expect(framed(24)).rejects.toMatchObject({ code: 'malformed_request' });
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

test('zstd: short frames, one after the other, are refused; one that was written as a stream is read', async () => {
  const [one, other] = [zstdCompressSync('a'), zstdCompressSync('b')];
  const two = inflateAll(Buffer.concat([one, other]), 'zstd', () => undefined);
  await expect(two).rejects.toMatchObject({ code: 'malformed_request' });
  const compressor = createZstdCompress();
  const compressed = buffer(compressor);
  for (let n = 0; n < 5000; n += 1) compressor.write(`line ${n}\n`);
  compressor.end();
  expect(String(await inflateAll(await compressed, 'zstd', () => undefined))).toMatch(/line 4999\n$/);
});
