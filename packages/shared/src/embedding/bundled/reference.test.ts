import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { SentenceSession } from '../onnx/sentence-session.ts';
import { TextTokenizer } from '../onnx/text-tokenizer.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { dot } from '../vector.ts';
import { bundledModel } from './bundled-model.ts';
import { convertModel, locateModelPackage, type ModelFiles } from './convert-model.ts';
import { encoderShape } from './encoder-weights.ts';
import { digestModel } from './prepare-bundled-model.ts';
import { nonEmpty } from '../../testing/non-empty.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Made once by the package's original runtime: token ids and vectors that the conversion must reproduce. */
const referenceSchema = z.object({
  cases: z.array(z.object({ text: z.string(), ids: z.array(z.int()), vector: z.base64() })),
});
const { cases } = referenceSchema.parse(
  JSON.parse(await readFile(new URL('./testing/reference.json', import.meta.url), 'utf8')),
);

const expected = cases.map(({ vector }) => new Float32Array(new Uint8Array(Buffer.from(vector, 'base64')).buffer));
const rows = cases.map(({ ids }) => Int32Array.from(ids.slice(0, encoderShape.maxTokens)));
const root = temporaryFolder();

async function load(files: ModelFiles, name: string, onnxFile: string) {
  const folder = path.join(root, name);
  for (const [file, content] of files) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), content);
  }
  const model = { folder, onnxFile, maxTokens: encoderShape.maxTokens, collapseWhitespace: false };
  return { tokenizer: await TextTokenizer.load(model), session: await SentenceSession.load(model) };
}

describe('the converted model beside the original', () => {
  let int8: Awaited<ReturnType<typeof load>>;
  let fp32: Awaited<ReturnType<typeof load>>;
  let digest: string;

  beforeAll(async () => {
    const source = await locateModelPackage();
    const int8Files = await convertModel(source, 'int8');
    digest = digestModel(int8Files);
    int8 = await load(int8Files, 'int8', bundledModel.onnxFile);
    fp32 = await load(await convertModel(source, 'fp32'), 'fp32', 'onnx/model.onnx');
  });

  afterAll(async () => {
    await Promise.all([int8, fp32].map(({ session }) => session.release()));
  });

  test.each(cases)('gives the same token ids: $text', ({ text, ids }) => {
    expect(int8.tokenizer.count(text)).toBe(ids.length);
    expect([...int8.tokenizer.encode(text)]).toEqual(ids.slice(0, encoderShape.maxTokens));
  });

  test('gives the same vectors in float32, alone and in a padded batch', async () => {
    const together = await fp32.session.embed(rows);
    for (const [index, row] of nonEmpty(rows).entries()) {
      const [alone] = await fp32.session.embed([row]);
      for (const vector of [alone, together[index]]) {
        const differences = expected[index]?.map((value, place) => Math.abs(value - (vector?.[place] ?? Number.NaN)));
        expect(Math.max(...(differences ?? [Number.NaN]))).toBeLessThanOrEqual(1e-5);
      }
    }
  });

  test('gives nearly the same vectors in int8', async () => {
    for (const [index, row] of nonEmpty(rows).entries()) {
      const [vector] = await int8.session.embed([row]);
      expect(dot(vector ?? new Float32Array(), expected[index] ?? new Float32Array())).toBeGreaterThanOrEqual(0.996);
    }
  });

  test('gives a text the same int8 vector whatever it is batched with', async () => {
    const together = await int8.session.embed(rows);
    for (const [index, row] of nonEmpty(rows).entries()) {
      const [alone] = await int8.session.embed([row]);
      expect(dot(alone ?? new Float32Array(), together[index] ?? new Float32Array())).toBeGreaterThan(0.99999);
    }
  });

  test('has the digest that names its folder (if not: a new outputDigest, and a new modelId when vectors changed)', () => {
    expect(digest.slice(0, bundledModel.outputDigest.length)).toBe(bundledModel.outputDigest);
  });
});
