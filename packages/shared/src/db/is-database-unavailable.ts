// SQLSTATE classes: 08 connection, 53 out of resources, 57P0x shutting down or starting, 25P03 session ended,
// 25006 read-only (a standby, or a primary that was made one), 58030 the disk fails.
const unavailableStates = /^(08...|53...|57P0[1-5]|25P03|25006|58030)$/;
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
