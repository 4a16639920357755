export {
  startEmbeddedPostgres,
  type EmbeddedConnection,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './start-embedded-postgres.ts';
export { compileEngine } from './engine/shared-memory.ts';
export { lockFolder, type FolderLock } from './lock/lock-folder.ts';
