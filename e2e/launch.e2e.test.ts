import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));

/** A copy of what the launcher looks at, with an npx on the PATH that installs by itself and notes how it was called. */
let folder: string;
let calls: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-layer-launch-'));
  calls = join(folder, 'calls');
  mkdirSync(join(folder, 'tooling'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(root, 'tooling/launch.mjs'), join(folder, 'tooling/launch.mjs'));
  writeFileSync(join(folder, 'pnpm-lock.yaml'), 'lockfile: 1\n');
  writeFileSync(
    join(folder, 'bin/npx'),
    `#!/bin/sh
echo "$*" >>'${calls}'
[ -n "$NO_NETWORK" ] && exit 1
mkdir -p node_modules/.pnpm node_modules/node/bin
cp pnpm-lock.yaml node_modules/.pnpm/lock.yaml
case "$*" in *--prod*) echo 'a part of it' >node_modules/.pnpm/lock.yaml ;; esac
touch node_modules/.pnpm-workspace-state-v1.json
ln -sf '${process.execPath}' node_modules/node/bin/node
`,
  );
  chmodSync(join(folder, 'bin/npx'), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true }));

function launch(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [join(folder, 'tooling/launch.mjs'), ...args], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]: unknown[]) => ({ code, output }));
  return { child, ended, output: () => output };
}

const callsOfNpx = () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);

describe('the launcher', () => {
  test('installs once with an exact pnpm, then runs without it', async () => {
    const first = await launch(['-p', '"ran"']).ended;
    expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/installing the dependencies[^]*\nran\n$/) });
    expect(callsOfNpx()).toEqual([expect.stringMatching(/^--yes pnpm@12\.\d+\.\d+ install /)]);
    expect(await launch(['-p', '"ran"']).ended).toEqual({ code: 0, output: 'ran\n' });
    expect(callsOfNpx()).toHaveLength(1);
  });

  test('installs again when the lockfile is another one', async () => {
    await launch(['-p', '1']).ended;
    writeFileSync(join(folder, 'pnpm-lock.yaml'), 'lockfile: 2\n');
    await launch(['-p', '1']).ended;
    expect(callsOfNpx()).toHaveLength(2);
  });

  test('leaves the tools out for a start, and adds them for what needs them', async () => {
    const start = ['--without-tools', '-p', '"ran"'];
    const state = join(folder, 'node_modules/.pnpm-workspace-state-v1.json');
    expect((await launch(start).ended).output).toMatch(/installing the dependencies[^]*\nran\n$/);
    expect(await launch(start).ended).toEqual({ code: 0, output: 'ran\n' });
    expect(callsOfNpx()).toEqual([expect.stringMatching(/ --prod$/)]);
    // A script that pnpm runs adds them likewise, since pnpm finds no state of its own.
    expect(existsSync(state)).toBe(false);
    await launch(['-p', '1']).ended;
    expect(callsOfNpx().slice(1)).toEqual([expect.not.stringContaining('--prod')]);
    // From now on they stay.
    expect(await launch(start).ended).toEqual({ code: 0, output: 'ran\n' });
    writeFileSync(join(folder, 'pnpm-lock.yaml'), 'lockfile: 2\n');
    await launch(start).ended;
    expect(callsOfNpx().slice(2)).toEqual([expect.not.stringContaining('--prod')]);
  });

  test('installs again without tools when something else was installed meanwhile', async () => {
    const start = ['--without-tools', '-p', '1'];
    await launch(start).ended;
    writeFileSync(join(folder, 'node_modules/.pnpm/lock.yaml'), 'another part\n');
    await launch(start).ended;
    expect(callsOfNpx()).toHaveLength(2);
  });

  test('says what it needs when it cannot install', async () => {
    const { code, output } = await launch(['-p', '"ran"'], { NO_NETWORK: '1' }).ended;
    expect(code).toBe(1);
    expect(output).toContain('A first start needs the network');
    expect(output).not.toContain('\nran');
  });

  test('leaves installing to pnpm where pnpm runs it', async () => {
    mkdirSync(join(folder, 'node_modules/node/bin'), { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node_modules/node/bin/node'));
    const env = { npm_config_user_agent: 'pnpm/12.21.0 npm/? node/? linux x64' };
    expect(await launch(['-p', '"ran"'], env).ended).toEqual({ code: 0, output: 'ran\n' });
    expect(callsOfNpx()).toEqual([]);
  });

  test('passes arguments, exit codes and signals on', async () => {
    const script = 'process.argv.slice(1).forEach((text) => console.log(text)); process.exit(3)';
    const { code, output } = await launch(['-e', script, "it's", '!abuse', '']).ended;
    expect([code, output.slice(output.indexOf("it's"))]).toEqual([3, "it's\n!abuse\n\n"]);

    const waiting = launch([
      '-e',
      'process.on("SIGTERM", () => process.exit(4)); console.log("up"); setInterval(() => {}, 1000)',
    ]);
    await expect.poll(waiting.output).toContain('up');
    waiting.child.kill('SIGTERM');
    expect((await waiting.ended).code).toBe(4);

    const killed = await launch(['-e', 'process.kill(process.pid, "SIGKILL")']).ended;
    expect(killed.code).toBe(137);
  });
});

test('the launcher of this workspace runs its Node without npx', async () => {
  const child = spawn(process.execPath, [join(root, 'tooling/launch.mjs'), '-p', 'process.execPath'], {
    env: { PATH: '/nowhere' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  expect(output).toMatch(/node_modules\/\.pnpm\/node@24\..*\/bin\/node\n$/);
});
