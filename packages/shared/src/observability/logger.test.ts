import { describe, expect, test } from 'vitest';
import { createLogger } from './logger.ts';

function capture() {
  const lines: string[] = [];
  const logger = createLogger({ service: 'test', level: 'info', stream: { write: (line) => void lines.push(line) } });
  return { logger, last: () => JSON.parse(lines.at(-1) ?? '{}') };
}

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
