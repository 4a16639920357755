import { describe, expect, test } from 'vitest';
import { cutoffsAt, describePolicy, resolvePolicy, type StoredPolicy } from './retention-policy.ts';

const defaults = { maxAgeDays: 30, ageOf: 'stored', importanceThreshold: 0.35, deleteAfterDays: 90 } as const;
const unset: StoredPolicy = {
  maxAgeDays: null,
  ageOf: null,
  importanceThreshold: null,
  deleteAfterDays: null,
  maxItems: null,
  matchMode: null,
  legalHold: false,
};

describe('resolvePolicy', () => {
  const byDefault = { ...defaults, maxItems: undefined, matchMode: 'all', legalHold: false };

  test('is the defaults for a tenant without a policy', () => {
    expect(resolvePolicy(undefined, defaults)).toEqual(byDefault);
  });

  test('is the defaults for a policy that sets nothing', () => {
    expect(resolvePolicy(unset, defaults)).toEqual(byDefault);
  });

  test('takes what the tenant set and fills the rest', () => {
    const stored: StoredPolicy = {
      ...unset,
      maxAgeDays: 7,
      ageOf: 'created',
      maxItems: 100,
      matchMode: 'any',
      legalHold: true,
    };
    expect(resolvePolicy(stored, defaults)).toEqual({
      maxAgeDays: 7,
      ageOf: 'created',
      importanceThreshold: 0.35,
      deleteAfterDays: 90,
      maxItems: 100,
      matchMode: 'any',
      legalHold: true,
    });
  });

  test('a threshold of zero is set, not missing', () => {
    expect(resolvePolicy({ ...unset, importanceThreshold: 0 }, defaults).importanceThreshold).toBe(0);
  });
});

test('cutoffsAt counts back in days of 24 hours', () => {
  const policy = resolvePolicy({ ...unset, maxAgeDays: 2, deleteAfterDays: 1 }, defaults);
  // Summer time began in most of Europe in the night to 30 March 2025.
  expect(cutoffsAt(policy, new Date('2025-03-31T12:00:00Z'))).toEqual({
    now: new Date('2025-03-31T12:00:00Z'),
    oldBefore: new Date('2025-03-29T12:00:00Z'),
    deleteUpTo: new Date('2025-03-30T12:00:00Z'),
  });
});

test('cutoffsAt has no dates where the policy has no ages', () => {
  const nothing = {
    maxAgeDays: undefined,
    ageOf: 'created',
    importanceThreshold: undefined,
    deleteAfterDays: undefined,
  } as const;
  const now = new Date('2025-03-31T12:00:00Z');
  expect(cutoffsAt(resolvePolicy(undefined, nothing), now)).toEqual({ now });
});

test.each([
  [
    {},
    'messages that are less important than 0.35 are archived 30 days after they were stored, and deleted 90 days later',
  ],
  [
    { ageOf: 'created' as const, importanceThreshold: undefined, deleteAfterDays: undefined },
    'messages are archived 30 days after they were created',
  ],
  [{ maxAgeDays: undefined }, 'nothing is archived for its age (MEMORY_RETENTION_MAX_AGE_DAYS)'],
])('a policy is described in a sentence: %j', (policy, sentence) => {
  expect(describePolicy({ ...defaults, ...policy })).toBe(sentence);
});
