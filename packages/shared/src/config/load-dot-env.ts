/**
 * Reads `.env` of the working folder into the process's environment, where there is one. What is set already
 * wins. For mains only.
 */
export function loadDotEnv(): void {
  try {
    process.loadEnvFile();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
