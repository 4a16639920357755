import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { kernelFile, kernelModule } from './write-vector-kernel.ts';

test('the kernel that compares vectors is its text, compiled', async () => {
  expect(await readFile(kernelFile, 'utf8')).toBe(await kernelModule());
});
