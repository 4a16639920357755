import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startEmbeddedPostgres } from './start-embedded-postgres.ts';

const roundCount = 3;
const commitsPerRound = 150;

let dataDir: string;

beforeAll(() => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'kill-'));
});

afterAll(() => {
  fs.rmSync(dataDir, { recursive: true });
});

/** Runs the committing process, kills it (SIGKILL) after some commits, and gives the ids that it had printed. */
async function commitUntilKilled(firstId: number, commits: number): Promise<number[]> {
  const script = new URL('./testing/committing-process.ts', import.meta.url);
  const child = spawn(process.execPath, [script.pathname, dataDir, String(firstId)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let printed = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    printed += text;
    if (printed.split('\n').length > commits) child.kill('SIGKILL');
  });
  await closed;
  return printed.trimEnd().split('\n').map(Number);
}

test('has every row that was acknowledged before a kill, however often that happens', async () => {
  const acknowledged: number[] = [];
  for (let round = 0; round < roundCount; round += 1) {
    const ids = await commitUntilKilled((round + 1) * 1_000_000, commitsPerRound + round * 37);
    expect(ids.length, `round ${round}`).toBeGreaterThanOrEqual(commitsPerRound);
    acknowledged.push(...ids);
  }
  const engine = await startEmbeddedPostgres({ dataDir });
  const client = new pg.Client(engine.connection);
  await client.connect();
  const { rows } = await client.query<{ id: number; length: number }>('SELECT id, length(payload) FROM entry');
  const lengths = new Map(rows.map(({ id, length }) => [id, length]));
  expect(acknowledged.filter((id) => lengths.get(id) !== id % 5000)).toEqual([]);
  await client.end();
  await engine.stop();
});
