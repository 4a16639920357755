import { readFileSync } from 'node:fs';
import { z } from 'zod';

// All packages of the workspace carry the release's version.
const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The release this is. */
export const { version } = z.object({ version: z.string() }).parse(manifest);
