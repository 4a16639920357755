import { describe, expect, test } from 'vitest';

import { startParameters } from './start-parameters.ts';

describe('startParameters', () => {
  test('never switches fsync off for a folder', () => {
    const parameters = startParameters(true, {});
    expect(parameters).not.toContain('-F');
    expect(parameters).toContain('fsync=on');
    expect(parameters).toContain('synchronous_commit=on');
    expect(parameters[0]).toBe('--single');
  });

  test('does in memory', () => {
    expect(startParameters(false, {})).toContain('-F');
  });

  test('lets settings of the caller win', () => {
    const parameters = startParameters(true, { shared_buffers: '128MB', work_mem: '8MB' });
    expect(parameters).toContain('work_mem=8MB');
    expect(parameters.filter((parameter) => parameter.startsWith('shared_buffers'))).toEqual(['shared_buffers=128MB']);
  });
});
