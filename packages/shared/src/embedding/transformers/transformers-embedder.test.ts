import { createServer, type Server } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundledModel } from '../bundled/bundled-model.ts';
import { prepareBundledModel } from '../bundled/prepare-bundled-model.ts';
import { describeEmbedder } from '../testing/embedder.contract.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createTransformersEmbedder } from './transformers-embedder.ts';

// Models are loaded here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const root = temporaryFolder();
const { folder } = await prepareBundledModel({ cacheDir: root });

// The converted bundled model has the hub's layout, so it serves as a real model without a download.
const local = { modelId: 'local/use-lite', modelPath: folder, dimension: bundledModel.dimension, maxTokens: 128 };

describeEmbedder('transformers', () => createTransformersEmbedder({ ...local, threads: 1 }));

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

  test('says so when the model has another dimension than configured', async () => {
    const embedder = createTransformersEmbedder({ ...local, dimension: 384, threads: 0 });
    await embedder.start();
    await expect(embedder.embed(['hello'], { kind: 'query' })).rejects.toThrow('has 512 dimensions, not 384');
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
      modelId: 'org/model',
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
