import type { SqlRunner } from '../engine/run-sql.ts';
import { backend, frame } from '../wire/frames.ts';

/** What PostgreSQL reports to every client (GUC_REPORT) and drivers may look at. */
const reportedSettings = [
  'server_version',
  'server_encoding',
  'client_encoding',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
] as const;

const authenticationOk = frame('R', Buffer.alloc(4));

/**
 * Reads once what does not change; the result makes the greeting of a client.
 * @param cancelKey what a client proves with that it may cancel a unit
 */
export function greeting(sql: SqlRunner, cancelKey: number): (sessionId: number) => Uint8Array {
  const columns = reportedSettings.map((name) => `pg_catalog.current_setting('${name}')`);
  const [values = []] = sql(`SELECT ${columns.join(', ')}`);
  const parameters = reportedSettings.map((name, index) => frame('S', name, values[index] ?? ''));
  return (sessionId) => {
    const key = Buffer.alloc(8);
    key.writeInt32BE(sessionId, 0);
    key.writeInt32BE(cancelKey, 4);
    const ready = frame(backend.readyForQuery, Buffer.from('I'));
    return Buffer.concat([authenticationOk, ...parameters, frame('K', key), ready]);
  };
}
