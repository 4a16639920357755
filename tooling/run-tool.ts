import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a tool of node_modules/.bin in a fixture folder and returns what it printed, whether or not it found something. */
export async function runTool(tool: string, args: readonly string[], fixture: URL): Promise<string> {
  const script = fileURLToPath(new URL(`../node_modules/${tool}/bin/${tool}`, import.meta.url));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  execFile(
    process.execPath,
    [script, ...args],
    { cwd: fixture, maxBuffer: 16 * 1024 * 1024 },
    (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`${tool} printed nothing: ${stderr}`, { cause: error }));
      else resolve(stdout);
    },
  );
  return promise;
}
