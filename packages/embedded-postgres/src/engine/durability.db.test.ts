import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { openCluster } from './open-cluster.ts';
import type { PostgresEngine } from './postgres-engine.ts';
import { runSql } from './run-sql.ts';

let dataDir: string;
let engine: PostgresEngine;

beforeAll(async () => {
  dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'durability-'));
  engine = await openCluster({ dataDir, template: undefined, settings: {} });
  runSql(engine.wire, 'CREATE TABLE entry (id int)');
});

afterAll(async () => {
  await engine.close();
  fs.rmSync(dataDir, { recursive: true });
});

test('forces every commit to the disk before it is answered', () => {
  for (const id of [1, 2, 3, 4, 5]) {
    const before = engine.fsyncCount;
    runSql(engine.wire, `INSERT INTO entry VALUES (${id})`);
    expect(engine.fsyncCount, `commit ${id}`).toBeGreaterThan(before);
  }
});

test('does so once for a transaction of many statements, and not for one that only reads', () => {
  const before = engine.fsyncCount;
  runSql(engine.wire, 'BEGIN');
  for (const id of [6, 7, 8]) runSql(engine.wire, `INSERT INTO entry VALUES (${id})`);
  expect(engine.fsyncCount).toBe(before);
  runSql(engine.wire, 'COMMIT');
  const committed = engine.fsyncCount;
  expect(committed).toBeGreaterThan(before);
  runSql(engine.wire, 'SELECT count(*) FROM entry');
  expect(engine.fsyncCount).toBe(committed);
});

test('forces the tables themselves to the disk at a checkpoint', () => {
  const before = engine.fsyncCount;
  runSql(engine.wire, 'CHECKPOINT');
  // More than the log and the control file: the files that the inserts have touched.
  expect(engine.fsyncCount - before).toBeGreaterThan(2);
});

test('runs with the settings that this needs', () => {
  expect(runSql(engine.wire, 'SHOW fsync')).toEqual([['on']]);
  expect(runSql(engine.wire, 'SHOW synchronous_commit')).toEqual([['on']]);
  expect(runSql(engine.wire, 'SHOW full_page_writes')).toEqual([['on']]);
  expect(runSql(engine.wire, 'SHOW wal_sync_method')).toEqual([['fsync']]);
});

test('crashes when the disk fails to take a commit, rather than say that it has', async () => {
  const brokenDir = fs.mkdtempSync(path.join(os.tmpdir(), 'durability-'));
  const broken = await openCluster({ dataDir: brokenDir, template: await engine.dump(), settings: {} });
  const fsyncSync = fs.fsyncSync;
  fs.fsyncSync = () => {
    throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
  };
  try {
    expect(() => runSql(broken.wire, 'INSERT INTO entry VALUES (1)')).toThrow('the embedded database has crashed');
  } finally {
    fs.fsyncSync = fsyncSync;
  }
  fs.rmSync(brokenDir, { recursive: true });
});
