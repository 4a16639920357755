/** A process for tests: commits rows in the folder it is given, and prints each id after its commit, until killed. */
import fs from 'node:fs';

import pg from 'pg';

import { startEmbeddedPostgres } from '../start-embedded-postgres.ts';

const [dataDir = '', firstId = '1'] = process.argv.slice(2);
const engine = await startEmbeddedPostgres({ dataDir });
const pool = new pg.Pool({ ...engine.connection, max: 4 });
await pool.query('CREATE TABLE IF NOT EXISTS entry (id int PRIMARY KEY, payload text)');
let nextId = Number(firstId);

async function commitForever(): Promise<never> {
  for (;;) {
    const id = nextId;
    nextId += 1;
    await pool.query('INSERT INTO entry VALUES ($1, $2)', [id, 'x'.repeat(id % 5000)]);
    // Written at once, so that nothing printed is lost in a buffer when the process is killed.
    fs.writeSync(1, `${id}\n`);
  }
}

await Promise.all([commitForever(), commitForever(), commitForever()]);
