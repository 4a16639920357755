/**
 * Frames of the PostgreSQL wire protocol 3.0: one type byte, a big-endian int32 length that counts itself, a body.
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export const frameHeaderLength = 5;

/** Type bytes that this package looks at; all others pass through unread. */
export const frontend = {
  bind: 'B',
  close: 'C',
  describe: 'D',
  flush: 'H',
  functionCall: 'F',
  parse: 'P',
  query: 'Q',
  sync: 'S',
  terminate: 'X',
  copyData: 'd',
  copyDone: 'c',
  copyFail: 'f',
} as const;

export const backend = {
  commandComplete: 'C',
  dataRow: 'D',
  errorResponse: 'E',
  notification: 'A',
  readyForQuery: 'Z',
} as const;

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8');
}

/** A frame of `type` whose body is the parts one after the other; a string part becomes a C string. */
export function frame(type: string, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const body = parts.map((part) => (typeof part === 'string' ? cstring(part) : part));
  const length = body.reduce((sum, part) => sum + part.length, 4);
  const header = Buffer.alloc(frameHeaderLength);
  header.write(type, 0, 'latin1');
  header.writeInt32BE(length, 1);
  return Buffer.concat([header, ...body], length + 1);
}

export function queryFrame(sql: string): Buffer {
  return frame(frontend.query, sql);
}

export const syncFrame = frame(frontend.sync);

/** The body of Bind and Execute for a statement without parameters and result columns, run to its end. */
const noParameters = Buffer.alloc(6);
const allRows = Buffer.alloc(4);

/** `sql` as an extended query without the closing Sync, through the unnamed statement and portal. */
export function extendedQueryFrames(sql: string): Buffer {
  return Buffer.concat([
    frame('P', '', sql, Buffer.alloc(2)),
    frame('B', '', '', noParameters),
    frame('E', '', allRows),
  ]);
}

/** ErrorResponse with severity, SQLSTATE and message. */
export function errorFrame(severity: 'ERROR' | 'FATAL', sqlState: string, message: string): Buffer {
  const fields = [`S${severity}`, `V${severity}`, `C${sqlState}`, `M${message}`];
  return frame(backend.errorResponse, ...fields, Buffer.alloc(1));
}

/** Reads the C string at `offset`: its text and the offset after its terminator. */
export function readCString(bytes: Buffer, offset: number): { readonly text: string; readonly end: number } {
  const terminator = bytes.indexOf(0, offset);
  const stop = terminator < 0 ? bytes.length : terminator;
  return { text: bytes.toString('utf8', offset, stop), end: stop + 1 };
}

/** The columns of a DataRow frame in text format. */
export function readDataRow(row: Buffer): (string | null)[] {
  const count = row.readInt16BE(frameHeaderLength);
  const columns: (string | null)[] = [];
  let offset = frameHeaderLength + 2;
  for (let index = 0; index < count; index += 1) {
    const length = row.readInt32BE(offset);
    offset += 4;
    columns.push(length < 0 ? null : row.toString('utf8', offset, offset + length));
    offset += Math.max(length, 0);
  }
  return columns;
}
