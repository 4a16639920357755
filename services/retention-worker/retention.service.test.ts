import { expect, test } from 'vitest';
import { describeFailure } from './retention.service.ts';

const databaseError = (code: string) =>
  Object.assign(new Error('failing row'), { code, detail: 'Failing row contains (secret words).' });

test.each([
  ['40P01', true],
  ['40001', true],
  ['57014', true],
  ['57P01', true],
  ['ECONNREFUSED', true],
  ['23505', false],
  ['42703', false],
])('an error with code %s: retryable is %s', (code, retryable) => {
  expect(describeFailure(databaseError(code)).retryable).toBe(retryable);
});

test('keeps the SQLSTATE and nothing of the row', () => {
  expect(describeFailure(databaseError('23514')).text).toBe('the database refused a statement (SQLSTATE 23514)');
});

test.each([new TypeError('secret words'), 'secret words', undefined])('says nothing of other errors: %s', (error) => {
  const text = 'the run failed for an unexpected reason';
  expect(describeFailure(error)).toEqual({ retryable: false, text });
});
