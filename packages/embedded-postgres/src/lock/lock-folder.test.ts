import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { lockFolder } from './lock-folder.ts';

let folder: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-folder-'));
  children = [];
});

afterEach(async () => {
  await Promise.all(children.map((child) => end(child, 'SIGKILL')));
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Starts a process that tries to lock the folder; what it reports: `locked` or the error's message. */
async function lockInChild(): Promise<{ child: ChildProcess; report: string }> {
  const child = fork(new URL('../testing/lock-holder.ts', import.meta.url), [folder], { execArgv: ['--expose-gc'] });
  children.push(child);
  const [report] = (await once(child, 'message')) as [string];
  return { child, report };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}

describe('lockFolder', () => {
  test('keeps another process out, and names the folder and the holder', async () => {
    const { child, report } = await lockInChild();
    expect(report).toBe('locked');
    expect(() => lockFolder(folder)).toThrow(`${folder} is in use by process ${child.pid}`);
  });

  test('is free again when its holder was killed, whatever it has left behind', async () => {
    const { child } = await lockInChild();
    await end(child, 'SIGKILL');
    expect(fs.readFileSync(path.join(folder, '.lock.pid'), 'utf8')).toBe(String(child.pid));
    const lock = lockFolder(folder);
    expect((await lockInChild()).report).toContain(`${folder} is in use by process ${process.pid}`);
    lock.release();
  });

  test('is not fooled by the pid of a process that lives but holds nothing', () => {
    fs.writeFileSync(path.join(folder, '.lock.pid'), String(process.ppid));
    expect(() => lockFolder(folder).release()).not.toThrow();
  });

  test('is given to one of several processes that start at once', async () => {
    const reports = await Promise.all([lockInChild(), lockInChild(), lockInChild()]);
    expect(reports.filter(({ report }) => report === 'locked')).toHaveLength(1);
  });

  test('excludes a second holder in the same process until it is released', () => {
    const missing = path.join(folder, 'made', 'when missing');
    const lock = lockFolder(missing);
    expect(() => lockFolder(missing)).toThrow('is in use by process');
    lock.release();
    lock.release();
    lockFolder(missing).release();
  });
});
