// SQLSTATE classes: 21 cardinality, 22 data, 23 constraint, 40 rolled back (deadlock), 54 beyond a limit of the server.
const refusedStates = /^(21|22|23|40|54)/;

/** Whether an error says that the database refuses these rows, so that others may go where they cannot. */
export function isRefusedData(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && refusedStates.test(error.code);
}
