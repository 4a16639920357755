import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { Kysely, sql } from 'kysely';
import { Pool } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import type { Schema } from '../schema.ts';
import { cancelledBy } from './cancelled-by.ts';
import { createConnectionPool } from './connection-pool.ts';
import { createPooledDialect } from './pooled-dialect.ts';

const cancelRequestCode = 80_877_102;

function frame(type: string, ...parts: readonly (string | number)[]): Buffer {
  const body = Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part);
      const word = Buffer.alloc(4);
      word.writeInt32BE(part);
      return word;
    }),
  );
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const done = Buffer.concat([frame('C', 'SELECT 0\0'), frame('Z', 'I')]);
const canceled = Buffer.concat([
  frame('E', 'SERROR\0C57014\0Mcanceling statement due to user request\0\0'),
  frame('Z', 'I'),
]);

/**
 * Speaks PostgreSQL's protocol: it answers the statement as soon as it is asked to cancel it, and ends the connection
 * that asked only some time later, as a loaded server or a pooler does. Statements named `endless` end no other way.
 *
 * @param options.ignores requests to cancel that come while it takes in a message
 */
async function startSlowCanceller({ ignores = 0 } = {}) {
  let left = ignores;
  const events: string[] = [];
  let running: Socket | undefined;

  function onStartup(socket: Socket, packet: Buffer): void {
    if (packet.readInt32BE(4) !== cancelRequestCode) {
      socket.write(Buffer.concat([frame('R', 0), frame('K', 1, 2), frame('Z', 'I')]));
      socket.on('data', (bytes) => onQuery(socket, bytes.toString('latin1', 5, bytes.length - 1)));
      return;
    }
    events.push('cancel asked');
    if (left === 0) running?.write(canceled);
    else left -= 1;
    setTimeout(() => {
      events.push('cancel ended');
      socket.end();
    }, 200);
  }

  function onQuery(socket: Socket, text: string): void {
    if (text === '') return; // Terminate
    events.push(text);
    if (text === 'endless') running = socket;
    else socket.write(done);
  }

  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (packet) => onStartup(socket, packet));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const pool = new Pool({ host: '127.0.0.1', port, user: 'test', database: 'test', max: 1 });
  const db = new Kysely<Schema>({ dialect: createPooledDialect(createConnectionPool(pool)) });
  onTestFinished(async () => {
    await db.destroy();
    server.close();
  });

  /** Resolves once the statement runs. */
  const begun = async (): Promise<void> => {
    while (!events.includes('endless')) await new Promise((resolve) => void setImmediate(resolve));
  };
  return { db, events, begun };
}

class GoneError extends Error {}

async function expectCancelled(statement: Promise<unknown>): Promise<void> {
  await expect(statement).rejects.toBeInstanceOf(GoneError);
}

test('the next caller gets the connection after the cancel request has ended, so that it cannot hit its statement', async () => {
  const { db, events, begun } = await startSlowCanceller();
  const controller = new AbortController();
  const cancelled = expectCancelled(sql`endless`.execute(db, cancelledBy(controller.signal)));
  await begun();
  const next = sql`next`.execute(db);
  controller.abort(new GoneError());
  await Promise.all([cancelled, next]);
  expect(events).toEqual(['endless', 'cancel asked', 'cancel ended', 'next']);
});

test('a transaction is rolled back after the cancel request has ended, so that it cannot hit the rollback', async () => {
  const { db, events, begun } = await startSlowCanceller();
  const controller = new AbortController();
  const transaction = db.transaction().execute((trx) => sql`endless`.execute(trx, cancelledBy(controller.signal)));
  const cancelled = expectCancelled(transaction);
  await begun();
  controller.abort(new GoneError());
  await cancelled;
  expect(events).toEqual(['begin', 'endless', 'cancel asked', 'cancel ended', 'rollback']);
});

test('a request that the server has ignored is sent again, until the statement has ended', async () => {
  const { db, events, begun } = await startSlowCanceller({ ignores: 2 });
  const controller = new AbortController();
  const cancelled = expectCancelled(sql`endless`.execute(db, cancelledBy(controller.signal)));
  await begun();
  controller.abort(new GoneError());
  await cancelled;
  await sql`next`.execute(db);
  const asked = ['cancel asked', 'cancel ended'];
  expect(events).toEqual(['endless', ...asked, ...asked, ...asked, 'next']);
});
