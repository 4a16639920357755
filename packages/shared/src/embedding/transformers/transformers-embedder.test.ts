import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundledModel } from '../bundled/bundled-model.ts';
import { prepareBundledModel } from '../bundled/prepare-bundled-model.ts';
import { describeEmbedder } from '../testing/embedder.contract.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { truncate } from '../vector-space.ts';
import { createTransformersEmbedder } from './transformers-embedder.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = temporaryFolder();
const { folder } = await prepareBundledModel({ cacheDir: root });

// The converted bundled model has the hub's layout, so it serves as a real model without a download.
const local = { modelName: 'local/use-lite', modelPath: folder, dimension: bundledModel.dimension, maxTokens: 128 };

const prefixes = { query: 'question: ', passage: 'answer: ' };

describeEmbedder('transformers', () => createTransformersEmbedder({ ...local, threads: 1 }));
describeEmbedder('transformers with prefixes, cut', () =>
  createTransformersEmbedder({ ...local, prefixes, dimension: 256, truncation: {}, threads: 1 }),
);

describe('prefixes', () => {
  test('are before what is embedded, of each kind its own', async () => {
    const [bare, prefixed] = [{}, { prefixes }].map((options) =>
      createTransformersEmbedder({ ...local, ...options, threads: 0 }),
    );
    if (!bare || !prefixed) throw new Error('two embedders');
    await Promise.all([bare.start(), prefixed.start()]);
    for (const kind of ['query', 'passage'] as const) {
      const [plain, expected] = await bare.embed(['a cat', `${prefixes[kind]}a cat`], { kind });
      const [vector] = await prefixed.embed(['a cat'], { kind });
      expect(vector).toEqual(expected);
      expect(vector).not.toEqual(plain);
      expect(await prefixed.split('a cat', { kind })).toEqual(['a cat']);
    }
    await Promise.all([bare.stop(), prefixed.stop()]);
  });

  test('and pooling are part of what names the vectors', () => {
    const name = ({ modelId }: { readonly modelId: string }) => modelId;
    expect(name(createTransformersEmbedder(local))).toBe('local/use-lite');
    expect(name(createTransformersEmbedder({ ...local, prefixes, pooling: 'cls' }))).toBe(
      'local/use-lite [pooling cls, query "question: ", passage "answer: "]',
    );
  });
});

describe('a dimension', () => {
  test('that is smaller cuts the vectors of the model, and the start says what is not known of that', async () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const whole = createTransformersEmbedder({ ...local, onWarning, threads: 0 });
    const cut = createTransformersEmbedder({ ...local, dimension: 128, truncation: {}, onWarning, threads: 0 });
    const trained = createTransformersEmbedder({
      ...local,
      dimension: 128,
      truncation: { trainedFrom: 64 },
      onWarning,
      threads: 0,
    });
    await Promise.all([whole.start(), cut.start(), trained.start()]);
    const [long = new Float32Array()] = await whole.embed(['a cat'], { kind: 'passage' });
    const [short] = await cut.embed(['a cat'], { kind: 'passage' });
    expect(short).toEqual(truncate(long, 128));
    expect(await trained.embed(['a cat'], { kind: 'passage' })).toEqual([short]);
    expect(warnings).toEqual([
      'MEMORY_EMBEDDING_DIMENSIONS: vectors of 512 dimensions are cut to 128, but local/use-lite is not known to be trained for that',
    ]);
    await Promise.all([whole.stop(), cut.stop(), trained.stop()]);
  });

  test('that nobody asked for is a mistake when the model has another', async () => {
    const embedder = createTransformersEmbedder({ ...local, dimension: 384, threads: 0 });
    await embedder.start();
    await expect(embedder.embed(['hello'], { kind: 'query' })).rejects.toThrow('has 512 dimensions, not 384');
    await embedder.stop();
  });

  test('that is greater than the model has fails the start', async () => {
    const embedder = createTransformersEmbedder({ ...local, dimension: 1024, truncation: {}, threads: 0 });
    await expect(embedder.start()).rejects.toThrow('has 512 dimensions, fewer than the 1024 that are asked for');
    await expect(embedder.embed(['a'], { kind: 'query' })).rejects.toThrow('is not running');
    await embedder.stop();
  });
});

describe('loading', () => {
  test.each([
    ['a missing folder', { modelPath: path.join(root, 'nothing-here') }, 'must hold config.json'],
    [
      'an empty cache without downloads',
      { cacheDir: path.join(root, 'empty'), allowRemote: false },
      'use the bundled model',
    ],
    [
      'a hub that does not answer',
      { cacheDir: path.join(root, 'empty'), remoteHost: 'http://127.0.0.1:9/' },
      'hub must be reachable',
    ],
  ])('fails with words that help: %s', async (_, options, advice) => {
    const embedder = createTransformersEmbedder({ ...options, threads: 0 });
    await expect(embedder.start()).rejects.toMatchObject({
      code: 'embedding_unavailable',
      message: expect.stringContaining(advice),
    });
    await embedder.stop();
  });
});

describe('downloading', () => {
  let hub: Server;
  let requests: string[];

  beforeAll(async () => {
    requests = [];
    hub = createServer((request, response) => {
      const url = request.url ?? '';
      requests.push(url);
      readFile(path.join(folder, url.replace('/org/model/resolve/main/', ''))).then(
        (content) => response.end(content),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  });

  afterAll(() => new Promise((resolve) => hub.close(resolve)));

  test('fetches a model from the hub once and then works from the cache', async () => {
    const { port } = hub.address() as AddressInfo;
    const options = {
      modelName: 'org/model',
      dimension: bundledModel.dimension,
      maxTokens: bundledModel.maxTokens,
      cacheDir: path.join(root, 'cache'),
      remoteHost: `http://127.0.0.1:${port}/`,
      threads: 0,
    };
    for (const allowRemote of [true, false]) {
      const embedder = createTransformersEmbedder({ ...options, allowRemote });
      await embedder.start();
      expect(await embedder.embed(['hello'], { kind: 'query' })).toHaveLength(1);
      await embedder.stop();
      expect(requests.filter((url) => url.endsWith(bundledModel.onnxFile)).length).toBeLessThanOrEqual(2);
    }
    expect(requests).toContain(`/org/model/resolve/main/${bundledModel.onnxFile}`);
  });
});
