import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { runImport } from './import-stream.ts';
import { createMessages } from '../harness/messages.ts';
import { serve } from './testing/serve.ts';

const plan = { messages: createMessages(2), firstMessage: 0, lines: 3000 };

describe('import stream', () => {
  test('reads outcomes while it sends, and counts refusals', async () => {
    const types = new Set<string | undefined>();
    const url = await serve((request, response) => {
      types.add(request.headers['content-type']);
      let line = 0;
      const lines = createInterface({ input: request });
      lines.on('line', () => {
        line += 1;
        const outcome = line % 1000 === 0 ? { line, error: { code: 'invalid_request' } } : { line, id: `m-${line}` };
        response.write(`${JSON.stringify(outcome)}\n`);
      });
      lines.on('close', () => response.end());
    });
    const outcomes = await runImport({ url, apiKey: 'key' }, plan);
    expect(outcomes).toMatchObject({ lines: 3000, stored: 2997, refused: 3, errors: 3 });
    expect(outcomes.examples[0]).toContain('invalid_request');
    expect([...types]).toEqual(['application/x-ndjson']);
  });

  test('counts lines without an outcome', async () => {
    const url = await serve((request, response) => {
      request.resume().on('end', () => response.end('{"line":1,"id":"m-1"}\n'));
    });
    expect(await runImport({ url, apiKey: 'key' }, plan)).toMatchObject({ stored: 1, errors: 2999 });
  });

  test('says what the answer was when it is none of outcomes', async () => {
    const url = await serve((request, response) => {
      request.resume();
      response.writeHead(415).end('{"code":"unsupported_media_type"}');
    });
    await expect(runImport({ url, apiKey: 'key' }, plan)).rejects.toThrow('unsupported_media_type');
  });
});
