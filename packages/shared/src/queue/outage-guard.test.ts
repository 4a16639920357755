import { describe, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../testing/eventually.ts';

import { createOutageGuard } from './outage-guard.ts';

function guard(options: { timeoutMs?: number; resetAfterMs?: number } = {}) {
  const created = createOutageGuard({ timeoutMs: 10_000, resetAfterMs: 60_000, ...options });
  onTestFinished(() => created.stop());
  return created;
}

const never = () => new Promise<never>(() => undefined);

describe('outage guard', () => {
  test('hands on what the call resolves with', async () => {
    expect(await guard().run(() => Promise.resolve(42))).toBe(42);
  });

  test('says unavailable of a failure, and keeps the cause', async () => {
    const cause = new Error('ECONNREFUSED');
    const refusal = guard().run(() => Promise.reject(cause));
    await expect(refusal).rejects.toMatchObject({ code: 'unavailable', cause, retryAfterSeconds: 1 });
  });

  test('ends a call that never would', async () => {
    await expect(guard({ timeoutMs: 5 }).run(never)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('refuses without a try after five failures, until one try succeeds', async () => {
    const { run } = guard({ resetAfterMs: 50 });
    let tries = 0;
    const fail = () => Promise.reject(new Error(`try ${(tries += 1)}`));
    for (let call = 0; call < 10; call += 1) await expect(run(fail)).rejects.toMatchObject({ code: 'unavailable' });
    expect(tries).toBe(5);
    await eventually(async () => expect(await run(() => Promise.resolve('back'))).toBe('back'));
    expect(await run(() => Promise.resolve('again'))).toBe('again');
  });

  test('refuses everything once stopped', async () => {
    const { run, stop } = guard();
    stop();
    await expect(run(() => Promise.resolve(1))).rejects.toMatchObject({ code: 'unavailable' });
  });
});
