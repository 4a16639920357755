import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { importFile, ImportRefused, type ImportOutcome } from './import-client.ts';
import { openImportFile } from './import-file.ts';
import { Progress } from './progress.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Handler = (request: IncomingMessage, body: Promise<string>, response: ServerResponse) => Promise<void> | void;

/** A server that answers each request with the next handler. */
async function serve(...handlers: Handler[]) {
  const seen: URL[] = [];
  const server = createServer((request, response) => {
    seen.push(new URL(request.url ?? '', 'http://x'));
    const body = (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      return text;
    })();
    // A connection that the test breaks.
    body.catch(() => undefined);
    void handlers.shift()?.(request, body, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => void server.close(resolve));
  return { url: `http://127.0.0.1:${port}`, seen, close };
}

const stored = (n: number) => `${JSON.stringify({ pointer: `/${n}`, status: 'stored', id: `id-${n}` })}\n`;
const answerAll =
  (from: number, to: number): Handler =>
  async (_request, body, response) => {
    await body;
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (let n = from; n < to; n += 1) response.write(stored(n));
    response.end();
  };

async function run(url: string, path: string, query: Record<string, string> = {}) {
  const file = await openImportFile(path);
  const outcomes: ImportOutcome[] = [];
  const retries: number[] = [];
  const done = importFile(
    file,
    { url, key: 'k'.repeat(16), query },
    {
      outcome: (outcome) => outcomes.push(outcome),
      sent: () => undefined,
      retry: (_why, answered) => retries.push(answered),
    },
    () => 1,
  );
  return done.then(() => ({ outcomes, retries }));
}

const write = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('an import', () => {
  test('hands on the outcome of each message', async () => {
    const server = await serve(answerAll(0, 3));
    const { outcomes } = await run(server.url, write('My chat.json', '[]'), { format: 'openai' });
    expect(outcomes.map(({ pointer }) => pointer)).toEqual(['/0', '/1', '/2']);
    expect(Object.fromEntries(server.seen[0]?.searchParams ?? [])).toEqual({
      conversation_id: 'My-chat',
      format: 'openai',
    });
    await server.close();
  });

  test('that breaks off goes on behind what was answered', async () => {
    const cutOff: Handler = async (_request, body, response) => {
      await body;
      response.writeHead(200);
      response.write(stored(0) + stored(1));
      response.write('{"pointer":"/2","sta', () => response.destroy());
    };
    const busy: Handler = (_request, body, response) => {
      void body;
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end('{"detail":"Later."}');
    };
    const server = await serve(cutOff, busy, answerAll(2, 4));
    const { outcomes, retries } = await run(server.url, write('a.json', '[1,2,3,4]'));
    expect(outcomes.map(({ pointer }) => pointer)).toEqual(['/0', '/1', '/2', '/3']);
    expect(retries).toEqual([2, 2]);
    expect(server.seen.map((url) => url.searchParams.get('skip'))).toEqual([null, '2', '2']);
    await server.close();
  });

  test('that ends before all was read skips the messages that were answered', async () => {
    const early: Handler = (_request, _body, response) => {
      response.writeHead(200).end(`${stored(0)}{"status":"end","stored":1}\n`);
    };
    const server = await serve(early, answerAll(1, 2));
    const { retries } = await run(server.url, write('a.json', `[1,${' '.repeat(20_000_000)}2]`));
    expect(retries).toEqual([1]);
    expect(server.seen.map((url) => url.searchParams.get('skip'))).toEqual([null, '1']);
    await server.close();
  });

  test('that is refused is not tried again, and says why', async () => {
    const refuse: Handler = async (_request, body, response) => {
      await body;
      response.writeHead(422).end(JSON.stringify({ detail: '"format" is needed.' }));
    };
    const server = await serve(refuse, refuse);
    await expect(run(server.url, write('a.json', '{}'))).rejects.toThrow(new ImportRefused('422: "format" is needed.'));
    expect(server.seen).toHaveLength(1);
    await server.close();
  });

  test('gives up when nothing comes through', async () => {
    const server = await serve();
    await server.close();
    await expect(run(server.url, write('a.json', '{}'))).rejects.toThrow('gave up after 6 attempts');
  });
});

describe('what is sent', () => {
  test('a day of Slack goes with the names of the users, and is named by its channel', async () => {
    write('users.json', '[{"id":"U1"}]');
    mkdirSync(join(folder, 'general'));
    const file = await openImportFile(write('general/2024-05-17.json', '[{"type":"message"}]'));
    let text = '';
    for await (const part of file.open()) text += String(part);
    expect(JSON.parse(text)).toEqual({ channel: 'general', users: [{ id: 'U1' }], messages: [{ type: 'message' }] });
    expect([file.bytes, file.conversation]).toEqual([Buffer.byteLength(text), 'general']);
  });

  test.each([
    ['WhatsApp Chat with Ana.txt', 'text/plain', 'WhatsApp-Chat-with-Ana'],
    ['lines.ndjson', 'application/x-ndjson', 'lines'],
    ['tuning.jsonl', 'application/json', 'tuning'],
  ])('%s', async (name, contentType, conversation) => {
    expect(await openImportFile(write(name, '{}'))).toMatchObject({ bytes: 2, contentType, conversation });
  });
});

test('every status of an outcome is counted, and a conflict is an error', async () => {
  const written: string[] = [];
  const progress = new Progress(await openImportFile(write('a.json', '[]')), { write: (text) => written.push(text) });
  progress.outcome({ status: 'updated' });
  progress.outcome({ status: 'archived' });
  progress.outcome({ status: 'expired' });
  progress.outcome({ status: 'conflict', pointer: '/0', detail: 'The stored message differs.' });
  progress.outcome({ status: 'end', due_for_archive: 7 });
  progress.end();
  expect(written.join('')).toContain('/0: The stored message differs.\n');
  expect(written.join('')).toContain('1 stored, 1 there before, 1 skipped, 1 with errors\n');
  expect(written.at(-1)).toBe('The next retention run archives 7 of the stored messages.\n');
  expect(progress.errors).toBe(1);
});

test('progress is drawn over on a terminal, and errors have lines of their own', async () => {
  const written: string[] = [];
  const output = { isTTY: true, write: (text: string) => written.push(text) };
  const progress = new Progress(await openImportFile(write('a.json', '[]')), output);
  progress.sent(1);
  progress.outcome({ status: 'stored' });
  progress.outcome({ status: 'error', line: 3, pointer: '/messages/0', detail: '/role is invalid.' });
  progress.end();
  const text = written.join('');
  expect(text).toContain('50 % read');
  expect(text).toContain('line 3 /messages/0: /role is invalid.\n');
  expect(text.endsWith('1 stored, 0 there before, 0 skipped, 1 with errors\n')).toBe(true);
});
