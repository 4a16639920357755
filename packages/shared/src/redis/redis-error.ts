/**
 * Takes the refused commands off an error of ioredis and of the errors within it: the one of AUTH holds the password.
 * Returns the same error, so that it is clean wherever else it went.
 */
export function withoutCommands(error: Error): Error {
  Reflect.deleteProperty(error, 'command');
  for (const inner of [error.cause, 'lastNodeError' in error ? error.lastNodeError : undefined]) {
    if (inner instanceof Error) withoutCommands(inner);
  }
  return error;
}
