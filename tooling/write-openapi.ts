// Writes docs/openapi.json, the API's description. A test fails while it differs from what the api answers.
import { writeFile } from 'node:fs/promises';
import manifest from '../package.json' with { type: 'json' };
import { describeApi } from '../services/api/describe-api.ts';

await writeFile(new URL('../docs/openapi.json', import.meta.url), await describeApi(manifest.version));
