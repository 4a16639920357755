import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs `redis-cli` and returns what it prints. @throws with that, when it fails. */
export async function redisCli(...args: string[]): Promise<string> {
  const { stdout } = await run('redis-cli', args, { timeout: 30_000 });
  return stdout;
}

/** Asks again and again until the answer of `redis-cli` matches. */
export async function untilRedisSays(expected: RegExp, ...args: string[]): Promise<void> {
  let answer = '';
  for (let attempt = 0; attempt < 300; attempt += 1) {
    answer = await redisCli(...args);
    if (expected.test(answer)) return;
    await delay(50);
  }
  throw new Error(`redis-cli ${args.join(' ')} never answered ${String(expected)}, but:\n${answer}`);
}
