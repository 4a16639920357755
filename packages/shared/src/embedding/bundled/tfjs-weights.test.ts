import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readTfjsWeights } from './tfjs-weights.ts';

describe('readTfjsWeights', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tfjs-weights-'));
    const weights = [
      { name: 'a', dtype: 'float32', shape: [1, 2, 2] },
      { name: 'n', dtype: 'int32', shape: [] },
      { name: 'b', dtype: 'float32', shape: [] },
    ];
    const model = { modelTopology: {}, weightsManifest: [{ paths: ['shard1', 'shard2'], weights }] };
    await writeFile(path.join(folder, 'model.json'), JSON.stringify(model));
    const bytes = Buffer.alloc(24);
    [1, 2, 3, 4].forEach((value, index) => bytes.writeFloatLE(value, index * 4));
    bytes.writeInt32LE(7, 16);
    bytes.writeFloatLE(0.5, 20);
    // Cut inside a number, as the published shards may be.
    await writeFile(path.join(folder, 'shard1'), bytes.subarray(0, 6));
    await writeFile(path.join(folder, 'shard2'), bytes.subarray(6));
  });

  afterEach(() => rm(folder, { recursive: true }));

  test('joins the shards and checks shapes', async () => {
    const weights = await readTfjsWeights(folder);
    expect([...weights.get('a', 2, 2)]).toEqual([1, 2, 3, 4]);
    expect(weights.scalar('b')).toBe(0.5);
    expect(() => weights.get('a', 4)).toThrow('a has the shape [2,2], not [4]');
    expect(() => weights.get('c', 1)).toThrow('no weight c');
  });

  test('notices a truncated shard', async () => {
    await writeFile(path.join(folder, 'shard2'), Buffer.alloc(3));
    await expect(readTfjsWeights(folder)).rejects.toThrow('hold 9 bytes, not 24');
  });
});
