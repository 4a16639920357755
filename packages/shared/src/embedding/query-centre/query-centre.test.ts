import { describe, expect, test, vi } from 'vitest';
import { createBundledEmbedder } from '../bundled/bundled-embedder.ts';
import { ScriptedEmbedder } from '../testing/scripted-embedder.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { dot, norm } from '../vector.ts';
import { genericQuestions } from './generic-questions.ts';
import { centreQuery, computeQueryCentre } from './query-centre.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const cacheDir = temporaryFolder();

describe('generic questions', () => {
  test('are about fifty, and no two are the same', () => {
    expect(new Set(genericQuestions).size).toBe(genericQuestions.length);
    expect(genericQuestions.length).toBeGreaterThanOrEqual(45);
  });
});

describe('computeQueryCentre', () => {
  test('is the mean of the query vectors, not normalised', async () => {
    const embedder = new ScriptedEmbedder();
    embedder.answer = (texts) => Promise.resolve(texts.map((_, index) => Float32Array.of(index % 2, 3)));
    expect(await computeQueryCentre(embedder)).toEqual(Float32Array.of(0.5, 3));
    expect(embedder.calls.map(({ options }) => options.kind)).toEqual(['query']);
  });
});

describe('centreQuery', () => {
  test('subtracts and normalises, and leaves its arguments alone', () => {
    const query = Float32Array.of(0.6, 0.8);
    expect([...centreQuery(query, Float32Array.of(0.6, 0))]).toEqual([0, 1]);
    expect(query).toEqual(Float32Array.of(0.6, 0.8));
  });

  test('keeps a query that is the centre itself', () => {
    const query = Float32Array.of(0, 1);
    expect(centreQuery(query, query)).toEqual(query);
  });

  test('refuses a centre of another model', () => {
    expect(() => centreQuery(new Float32Array(2), new Float32Array(3))).toThrow('cannot be centred');
  });

  test('separates unrelated questions of the bundled model better than before', async () => {
    const embedder = createBundledEmbedder({ cacheDir, threads: 0 });
    await embedder.start();
    try {
      const centre = await computeQueryCentre(embedder);
      expect(norm(centre)).toBeLessThan(1);
      const questions = ['Which bank holds our mortgage?', 'Does the kitten get along with the puppy?'];
      const [one, other] = await embedder.embed(questions, { kind: 'query' });
      if (!one || !other) throw new Error('vectors are missing');
      expect(dot(centreQuery(one, centre), centreQuery(other, centre))).toBeLessThan(dot(one, other) - 0.1);
    } finally {
      await embedder.stop();
    }
  });
});
