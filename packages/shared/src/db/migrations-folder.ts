import { fileURLToPath } from 'node:url';

/** Where the SQL files are, in a checkout and in an image alike. */
export const migrationsFolder = fileURLToPath(
  new URL('.', import.meta.resolve('@memory-layer/migrations/package.json')),
);
