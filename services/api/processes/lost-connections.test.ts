import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('no client waits for a process that was killed before it took the connection', async () => {
  const program = fileURLToPath(new URL('testing/killed-processes.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const { killed, answered, forgotten } = JSON.parse(stdout);
  expect({ killed, forgotten }).toEqual({ killed: 12, forgotten: 0 });
  expect(answered).toBeGreaterThanOrEqual(200);
});
