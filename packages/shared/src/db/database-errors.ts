// SQLSTATE classes: 08 connection, 53 out of resources, 57P0x shutting down or starting, 25P03 session ended,
// 25006 read-only (a standby, or a primary that was made one), 58030 the disk fails, 42P01 a table that migrations are to
// make.
const unavailableStates = /^(08...|53...|57P0[1-5]|25P03|25006|58030|42P01)$/;
const unavailableSystemCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN']);
// Errors that `pg` raises itself, which carry no code.
const driverMessages =
  /timeout exceeded when trying to connect|connection terminated|client has encountered a connection error/i;

/** Whether an error says that the database is away, as opposed to refusing this statement. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return unavailableStates.test(code) || unavailableSystemCodes.has(code) || driverMessages.test(error.message);
}

// SQLSTATE classes: 21 cardinality, 22 data, 23 constraint, 40 rolled back (deadlock), 54 beyond a limit of the server.
const refusedStates = /^(21|22|23|40|54)/;

/** Whether an error says that the database refuses these rows, so that others may go where they cannot. */
export function isRefusedData(error: unknown): boolean {
  return refusedStates.test(stateOf(error));
}

function stateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether it is what a client sent that the database refuses: by what it holds (22), or by its size (54). */
export function isRefusedRow(error: unknown): boolean {
  return /^(22|54)/.test(stateOf(error));
}
