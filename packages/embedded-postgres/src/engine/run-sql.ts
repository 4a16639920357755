import { BackendScanner } from '../wire/backend-scanner.ts';
import { frameHeaderLength, queryFrame, readCString, readDataRow } from '../wire/frames.ts';
import type { WireEngine } from './wire-engine.ts';

export type SqlRow = readonly (string | null)[];

/** What runs SQL for this package itself, between the units of clients. */
export type SqlRunner = (sql: string) => readonly SqlRow[];

/** SQL of this package failed in the engine. */
export class InternalSqlError extends Error {
  override readonly name = 'InternalSqlError';
}

/**
 * Runs statements on the engine; all their rows, in text format.
 * @throws InternalSqlError with PostgreSQL's message
 */
export function runSql(
  wire: Pick<WireEngine, 'execute'>,
  sql: string,
  onNotification: (channel: string, frame: Buffer) => void = () => {},
): readonly SqlRow[] {
  const rows: SqlRow[] = [];
  const scanner = new BackendScanner({
    bytes: () => {},
    notification: onNotification,
    row: (bytes) => rows.push(readDataRow(bytes)),
  });
  wire.execute(queryFrame(sql), (bytes) => scanner.push(bytes));
  if (scanner.error) throw new InternalSqlError(messageOf(scanner.error));
  return rows;
}

/** The message of an ErrorResponse. */
function messageOf(errorFrame: Buffer): string {
  let offset = frameHeaderLength;
  while (offset < errorFrame.length && errorFrame[offset] !== 0) {
    const field = readCString(errorFrame, offset);
    if (field.text.startsWith('M')) return field.text.slice(1);
    offset = field.end;
  }
  return 'unknown error';
}
