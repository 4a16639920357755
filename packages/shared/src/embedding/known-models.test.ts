import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { nonEmpty } from '../testing/non-empty.ts';
import { bundledModel } from './bundled/bundled-model.ts';
import { knownModel, knownModels, searchDefaults } from './known-models.ts';
import { vectorSpaceId } from './vector-space.ts';

describe('knownModel', () => {
  test.each([
    ['its maker', 'intfloat/multilingual-e5-small', 'intfloat/multilingual-e5-small'],
    ['another owner', 'Xenova/multilingual-e5-small', 'intfloat/multilingual-e5-small'],
    ['no owner, in capitals', 'BGE-SMALL-EN-V1.5', 'BAAI/bge-small-en-v1.5'],
    ['an export', 'onnx-community/embeddinggemma-300m-ONNX', 'google/embeddinggemma-300m'],
    ['Ollama', 'nomic-embed-text:latest', 'nomic-ai/nomic-embed-text-v1.5'],
    ['Ollama, with a size', 'qwen3-embedding:0.6b', 'Qwen/Qwen3-Embedding-0.6B'],
    ['the default of transformers', 'Xenova/all-MiniLM-L6-v2', 'sentence-transformers/all-MiniLM-L6-v2'],
    ['a service', 'text-embedding-3-small', 'text-embedding-3-small'],
  ])('finds a model by the name of %s', (_, name, expected) => {
    expect(knownModel(name)?.name).toBe(expected);
  });

  test.each(['', 'constructor', '__proto__', 'e5', 'my-bge-small-en-v1.5', 'bge-small-en-v1.5-tuned', 'intfloat/'])(
    'does not take %j for one',
    (name) => expect(knownModel(name)).toBeUndefined(),
  );

  test('finds the model of a generation, whatever its prefixes', () => {
    const modelId = vectorSpaceId('BAAI/bge-m3', { prefixes: { query: 'Frage: ', passage: '[x] ' }, pooling: 'cls' });
    expect(knownModel(modelId)?.name).toBe('BAAI/bge-m3');
    expect(knownModel(bundledModel.modelId)?.dimension).toBe(bundledModel.dimension);
  });

  test('has each name once, and nothing that contradicts itself', () => {
    const names = nonEmpty(knownModels.flatMap(({ name, aliases = [] }) => [name.split('/').at(-1) ?? '', ...aliases]));
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
    for (const model of nonEmpty(knownModels)) {
      expect(model.truncation?.trainedFrom ?? 1).toBeLessThan(model.dimension);
      expect(model.source).toMatch(/^https:\/\//);
    }
    const aliases = nonEmpty(knownModels.flatMap((model) => (model.aliases ?? []).map((alias) => ({ alias, model }))));
    for (const { alias, model } of aliases) expect(knownModel(alias)).toBe(model);
  });
});

describe('searchDefaults', () => {
  test('centres the queries of every model, and says what texts have in common by nature', () => {
    expect(searchDefaults('some/model')).toEqual({ centreQueries: true });
    expect(searchDefaults(bundledModel.modelId)).toEqual({ centreQueries: true, isLatinOnly: true });
    expect(searchDefaults('e5-small-v2 [query "query: "]')).toEqual({
      centreQueries: true,
      isLatinOnly: true,
      unrelatedSimilarity: 0.7,
    });
    expect(searchDefaults('multilingual-e5-small')).toEqual({ centreQueries: true, unrelatedSimilarity: 0.7 });
  });
});

describe('docs/models.md', () => {
  test('shows each model with what this table says of it', async () => {
    const page = await readFile(new URL('../../../../docs/models.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| [`'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
    const shown = rows.map(([, link = '', dimension, window, , pooling, cut]) => {
      const [, name, source] = /^\[(.+)\]\((.+)\)$/.exec(link) ?? [];
      return { name, source, dimension, window, pooling, cut };
    });
    expect(shown).toEqual(
      knownModels.map(({ name, source, dimension, maxTokens, pooling, truncation }) => ({
        name,
        source,
        dimension: String(dimension),
        window: String(maxTokens),
        pooling: pooling === 'server' || name === bundledModel.modelId ? '—' : pooling,
        cut: truncation?.trainedFrom === undefined ? '—' : String(truncation.trainedFrom),
      })),
    );
  });

  test('shows each prefix', async () => {
    const page = await readFile(new URL('../../../../docs/models.md', import.meta.url), 'utf8');
    const cells = page.replaceAll(String.raw`\|`, '|');
    const prefixes = new Set(knownModels.flatMap(({ prefixes: { query, passage } }) => [query, passage]));
    for (const prefix of nonEmpty([...prefixes].filter((text) => text !== ''))) {
      expect(cells).toContain(`\`${JSON.stringify(prefix)}\``);
    }
  });
});
