/**
 * Loaded into an api before its own code (`--import`): notes each statement that it sends, with its values, as a line
 * of the file that BENCH_STATEMENTS_FILE names, so that a baseline can send the same ones.
 */
import { appendFileSync } from 'node:fs';
import pg from 'pg';

/** A statement as the api has handed it to `pg`. */
export interface SentStatement {
  /** Of a prepared statement. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[] | undefined;
}

// What the api asks without a search: whether the database is there, and what is pending.
const isBackground = (text: string): boolean => text === 'select 1' || text.includes('embedding_pending');

const file = process.env['BENCH_STATEMENTS_FILE'] ?? '';
// oxlint-disable-next-line typescript/unbound-method -- called with its client below
const send = pg.Client.prototype.query;

function record(this: pg.Client, ...args: [string | SentStatement, unknown[]?]): unknown {
  const [first, values = []] = args;
  const sent: SentStatement = typeof first === 'string' ? { text: first, values } : { ...first };
  if (!isBackground(sent.text)) appendFileSync(file, `${JSON.stringify({ ...sent, values: sent.values ?? values })}\n`);
  return Reflect.apply(send, this, args);
}

Object.assign(pg.Client.prototype, { query: record });
