import type { ServerResponse } from 'node:http';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { describeReranker } from '../testing/reranker.contract.ts';
import { RerankServer } from '../testing/rerank-server.ts';
import { RerankEndpoint, type RerankEndpointOptions } from './rerank-endpoint.ts';

const server = new RerankServer();
const base = await server.start();
afterAll(() => server.stop());

const apiKey = 'sk-very-secret';
const create = (options: Partial<RerankEndpointOptions> = {}) =>
  new RerankEndpoint({ url: `${base}/cohere`, format: 'cohere', apiKey, model: 'some-model', ...options });

describeReranker('cohere', create);
describeReranker('tei', () => new RerankEndpoint({ url: `${base}/tei`, format: 'tei' }));

describe('a rerank server', () => {
  beforeEach(() => {
    server.handler = () => false;
    server.requests.length = 0;
  });

  async function ask(options: Partial<RerankEndpointOptions> = {}, count = 2): Promise<number[]> {
    const reranker = create(options);
    await reranker.start();
    return reranker.rerank(
      'my query',
      Array.from({ length: count }, (_, n) => `text ${n}`),
    );
  }
  const answering = (body: unknown) => (response: ServerResponse) => {
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
    return true;
  };

  test('is asked in its own words, with the key when there is one', async () => {
    await ask();
    await ask({ url: `${base}/tei`, format: 'tei' });
    expect(server.requests[0]).toEqual({
      body: { model: 'some-model', query: 'my query', documents: ['text 0', 'text 1'], top_n: 2 },
      authorization: `Bearer ${apiKey}`,
    });
    expect(server.requests[1]?.body).toMatchObject({ query: 'my query', texts: ['text 0', 'text 1'], truncate: true });
    const keyless = new RerankEndpoint({ url: `${base}/tei`, format: 'tei' });
    await keyless.start();
    await keyless.rerank('q', ['t']);
    expect(server.requests[2]?.authorization).toBeUndefined();
  });

  test('is asked in parts that it takes', async () => {
    await ask({ url: `${base}/tei`, format: 'tei' }, 70);
    expect(server.requests.map(({ body }) => ('texts' in body ? body.texts.length : 0))).toEqual([32, 32, 6]);
  });

  test.each([
    ['a text left out', { results: [{ index: 0, relevance_score: 1 }] }, 'each text once'],
    ['a text twice', { results: [0, 0].map((index) => ({ index, relevance_score: 1 })) }, 'each text once'],
    ['another shape', { scores: [1, 2] }, 'malformed'],
    ['no number', { results: [0, 1].map((index) => ({ index, relevance_score: null })) }, 'malformed'],
    ['no JSON', '<html>welcome</html>', 'malformed'],
  ])('is unavailable with %s', async (_, body, problem) => {
    server.handler = answering(body);
    const refused = ask();
    await expect(refused).rejects.toMatchObject({ code: 'unavailable' });
    await expect(refused).rejects.toThrow(problem);
  });

  test.each([400, 401, 404, 413, 429, 500, 503])(
    'that answers %i is unavailable, and is not quoted',
    async (status) => {
      server.handler = (response) => {
        response.writeHead(status).end(JSON.stringify({ error: `bad key ${apiKey} for "my query"` }));
        return true;
      };
      const failure: unknown = await ask().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'unavailable', message: `The rerank server answered ${status}.` });
    },
  );

  test('that is gone, or sends elsewhere, is unavailable', async () => {
    await expect(ask({ url: 'http://127.0.0.1:9/rerank' })).rejects.toThrow('cannot be reached');
    server.handler = (response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/elsewhere' }).end();
      return true;
    };
    await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('sees its requests end when the caller aborts', async () => {
    const abort = new AbortController();
    const closed = new Promise<void>((resolve) => {
      server.handler = (response) => {
        response.once('close', resolve);
        abort.abort(new Error('no longer wanted'));
        return true;
      };
    });
    const reranker = create();
    await reranker.start();
    await expect(reranker.rerank('q', ['t'], { signal: abort.signal })).rejects.toThrow('no longer wanted');
    await closed;
  });
});
