import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from './api-client.ts';
import { makeDataDir, startStandalone } from './standalone-process.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
// Its npm, and so everything that npm starts, is to run on this Node.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, npm_config_yes: 'true' };
const unreachable =
  /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_PNPM_META_FETCH_FAIL)\b/;

let folder: Awaited<ReturnType<typeof makeDataDir>>;
/** Why there is nothing to test; undefined when the package is installed. */
let missing: string | undefined;
/** Where npm has installed it. */
let place: string;
let work: string;
let program: { command: string; args: readonly string[]; cwd: string };

beforeAll(async () => {
  folder = await makeDataDir();
  place = join(folder.path, 'installed');
  work = join(folder.path, 'work');
  await Promise.all([mkdir(place), mkdir(work)]);
  try {
    await run('npx', ['pnpm@12', 'pack', '--pack-destination', folder.path], { cwd: root, env });
    const tarball = (await readdir(folder.path)).find((name) => name.endsWith('.tgz')) ?? '';
    await run('npm', ['install', '--no-audit', '--no-fund', join(folder.path, tarball)], { cwd: place, env });
  } catch (error) {
    if (!unreachable.test(String(error))) throw error;
    missing = 'the registry of npm packages cannot be reached';
  }
  program = { command: join(place, 'node_modules/.bin/memory-layer'), args: [], cwd: work };
}, 600_000);
afterAll(() => folder.remove());

describe('the package for npm', () => {
  test('starts in an empty folder, where it keeps its data, and finds what was stored', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const dataDir = join(work, 'data');
    // Its path to Node, and no folder of data: that is the default.
    const server = await startStandalone({ dataDir, program, env: { PATH: env.PATH, MEMORY_DATA_DIR: '' } });
    try {
      const api = createApiClient(server);
      const message = { tenant_id: 't', conversation_id: 'c', role: 'user', content: 'Ana moved to Lisbon in May.' };
      const { status, body } = await api.post('/v1/messages', message);
      expect(status).toBe(202);
      await api.waitForStatus('t', body.id, 'completed');
      const { body: found } = await api.get('/v1/memory/search?tenant_id=t&query=Where+does+she+live+now%3F');
      expect(found.items).toMatchObject([{ message_id: body.id, content: message.content }]);
      expect(found.items[0].similarity).toBeGreaterThan(0);
      expect((await api.get('/docs')).status).toBe(200);
    } finally {
      expect(await server.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
    expect(await readdir(work)).toEqual(['data']);
  });

  test('brings the libraries of this platform alone', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const bin = join(place, 'node_modules/onnxruntime-node/bin/napi-v6');
    const libraries = (await readdir(bin, { recursive: true })).filter((name) => /\.(?:node|so|dll|dylib)/.test(name));
    const own = join(process.platform, process.arch);
    expect(libraries.filter((name) => !name.startsWith(own))).toEqual([]);
    expect(libraries).not.toEqual([]);
    expect(existsSync(join(bin, own, 'libonnxruntime_providers_cuda.so'))).toBe(false);
  });

  test('says what it needs when it is run on an older Node, or with arguments', async ({ skip }) => {
    skip(missing !== undefined, missing);
    const older = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`;
    const script = join(place, 'node_modules/memory-layer/memory-layer.mjs');
    expect(await mistake(['--import', `data:text/javascript,${older}`, script])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^memory-layer: Node 24 or later is needed, and this is Node 20\.1\.0.*\n$/),
    });
    expect(await mistake([script, '--port'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^memory-layer: takes no arguments.*\n$/),
    });
  });
});

async function mistake(args: readonly string[]): Promise<unknown> {
  return run(process.execPath, args, { cwd: work }).then(
    () => 'no mistake',
    (error: unknown) => error,
  );
}
