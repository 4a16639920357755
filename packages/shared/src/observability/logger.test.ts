import { afterEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from './logger.ts';

function capture() {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') };
}

describe('a full disk', () => {
  afterEach(() => void vi.useRealTimers());

  test('is one warning a minute, whatever fails because of it and however it is wrapped', () => {
    vi.useFakeTimers();
    const { logger, lines, last } = capture();
    const full = Object.assign(new Error('could not extend file "base/5/1": No space left'), { code: '53100' });
    const child = logger.child({ part: 'worker' });
    for (const one of [logger, child, logger]) one.error({ err: new Error('failed', { cause: full }) }, 'failed');
    expect(lines).toHaveLength(1);
    expect(last()).toMatchObject({ level: 'warn', msg: expect.stringMatching(/^the disk is full/) });
    logger.error({ err: new Error('another') }, 'failed');
    logger.info({ err: full }, 'job');
    expect(lines).toHaveLength(3);
    vi.advanceTimersByTime(60_000);
    logger.warn({ err: full }, 'failed');
    child.warn({ err: full }, 'failed');
    expect(lines).toHaveLength(4);
  });
});

describe('security: log lines', () => {
  test('secrets and message content are redacted by name, one level down too', () => {
    const { logger, last } = capture();
    logger.info({ apiKey: 'k', headers: { a: 1 }, message: { content: 'private words' }, id: 7 }, 'x');
    expect(last()).toMatchObject({
      apiKey: '[redacted]',
      headers: '[redacted]',
      message: { content: '[redacted]' },
      id: 7,
    });
  });

  test('of an error come its name, message, code and causes, and nothing that hangs on it', () => {
    const { logger, last } = capture();
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', client: { password: 'hunter2' } });
    logger.error(
      { err: Object.assign(new Error('failed', { cause }), { detail: 'Failing row contains (private)' }) },
      'x',
    );
    expect(last().err).toMatchObject({ type: 'Error', message: 'failed', cause: { code: 'ECONNREFUSED' } });
    expect(JSON.stringify(last())).not.toMatch(/hunter2|private/);
  });
});
