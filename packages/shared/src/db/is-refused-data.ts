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
