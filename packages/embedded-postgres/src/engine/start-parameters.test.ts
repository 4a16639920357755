import { describe, expect, it } from 'vitest';

import { startParameters } from './start-parameters.ts';

describe('startParameters', () => {
  it('never switches fsync off for a folder', () => {
    const parameters = startParameters(true, {});
    expect(parameters).not.toContain('-F');
    expect(parameters).toContain('fsync=on');
    expect(parameters).toContain('synchronous_commit=on');
    expect(parameters[0]).toBe('--single');
  });

  it('does in memory', () => {
    expect(startParameters(false, {})).toContain('-F');
  });

  it('lets settings of the caller win', () => {
    const parameters = startParameters(true, { shared_buffers: '128MB', work_mem: '8MB' });
    expect(parameters).toContain('work_mem=8MB');
    expect(parameters.filter((parameter) => parameter.startsWith('shared_buffers'))).toEqual(['shared_buffers=128MB']);
  });
});
