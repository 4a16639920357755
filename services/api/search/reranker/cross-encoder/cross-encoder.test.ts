import path from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { prepareBundledModel } from '@memory-layer/shared/embedding/bundled/prepare-bundled-model';
import { temporaryFolder } from '@memory-layer/shared/embedding/testing/temporary-folder';
import { describeReranker } from '../testing/reranker.contract.ts';
import { writeWordModel } from '../testing/word-model.ts';
import { CrossEncoder } from './cross-encoder.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = temporaryFolder();
const modelPath = path.join(root, 'words');
writeWordModel(modelPath);

describeReranker('cross-encoder', () => new CrossEncoder({ modelPath }));

describe('a cross-encoder', () => {
  test('reads query and text as the two sides of a pair, and says how sure it is', async () => {
    const encoder = new CrossEncoder({ modelPath });
    await encoder.start();
    const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
    const scores = await encoder.rerank('sister lisbon', [
      'sister sister',
      'lisbon sister',
      'friday',
      'sister sister sister',
    ]);
    expect(scores.map((score) => score.toFixed(4))).toEqual([1, 1, -1, 2].map((logit) => sigmoid(logit).toFixed(4)));
    await encoder.stop();
  });

  test('sees the beginning of what does not fit, and always some of the text', async () => {
    const encoder = new CrossEncoder({ modelPath, maxTokens: 11 });
    await encoder.start();
    // Three special tokens leave eight: four for the query, four for the text.
    const query = 'sister lisbon may city friday friday friday';
    const [seen, unseen] = await encoder.rerank(query, ['a a a may', 'a a a a may']);
    expect([seen, unseen].map((score) => score?.toFixed(4))).toEqual(['0.5000', '0.2689']);
    await encoder.stop();
  });

  test('that is missing or is no reranker does not start, and says why', async () => {
    const missing = new CrossEncoder({ modelPath: path.join(root, 'nothing-here') });
    await expect(missing.start()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('must hold config.json'),
    });
    const { folder } = await prepareBundledModel({ cacheDir: root });
    await expect(new CrossEncoder({ modelPath: folder }).start()).rejects.toThrow('not a reranker');
  });
});
