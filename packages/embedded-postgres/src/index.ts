// TEMPORARY SHIM (main author): helper-1, overwrite this file and delete ../proto
import { startEmbeddedPg } from '../proto/embedded-pg.ts';
import { lockDataDir } from '../proto/lock.ts';
export interface EmbeddedPostgres { readonly connection: any; dump(): Promise<Uint8Array>; stop(): Promise<void> }
export async function startEmbeddedPostgres(o: { dataDir?: string; template?: Uint8Array } = {}): Promise<EmbeddedPostgres> {
  const e = await startEmbeddedPg(o.dataDir); let s: Promise<void> | undefined;
  return { connection: { stream: e.stream, user: 'postgres', database: 'postgres', host: 'x' }, dump: async () => new Uint8Array(), stop: () => (s ??= e.close()) };
}
export const lockFolder = (f: string) => ({ release: lockDataDir(f) });
