// Runs every check, also after one has failed, and says of each whether it passed.
import { spawnSync } from 'node:child_process';
import manifest from '../package.json' with { type: 'json' };

const checks = ['format:check', 'typecheck', 'lint', 'knip', 'build'] as const;

const failed = checks.filter((check) => {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(manifest.scripts[check], { shell: true, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) process.stdout.write(`${stdout}${stderr}`);
  console.log(`${status === 0 ? 'ok' : 'FAILED'} ${check} (${seconds} s)`);
  return status !== 0;
});

if (failed.length > 0) {
  console.log(`verify: ${failed.join(', ')} failed`);
  process.exitCode = 1;
}
