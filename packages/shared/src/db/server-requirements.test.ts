import { describe, expect, test } from 'vitest';
import { problemOf, warningOf, type ServerVersions } from './server-requirements.ts';

const good: ServerVersions = {
  postgresNumber: 170_002,
  postgres: '17.2',
  vector: '0.8.4',
  availableVector: '0.8.4',
};

describe('a server', () => {
  test.each<[string, Partial<ServerVersions>]>([
    ['that is new enough', {}],
    ['that has not been migrated', { vector: undefined }],
    ['of the oldest release', { postgresNumber: 150_000, vector: '0.8.0' }],
    ['with a later pgvector', { vector: '0.10.0', availableVector: '1.0' }],
  ])('%s will do', (_, versions) => {
    expect(problemOf({ ...good, ...versions })).toBeUndefined();
  });

  test.each<[string, Partial<ServerVersions>]>([
    ['PostgreSQL 14.9 is too old: 15 or later is needed', { postgresNumber: 140_009, postgres: '14.9' }],
    [
      'this PostgreSQL lacks pgvector: install 0.8.0 or later on the server',
      { vector: undefined, availableVector: undefined },
    ],
    ['pgvector 0.7.4 is too old: 0.8.0 or later is needed', { vector: undefined, availableVector: '0.7.4' }],
    ['pgvector 0.7.4 is too old: run ALTER EXTENSION vector UPDATE, the server has 0.8.4', { vector: '0.7.4' }],
  ])('is refused: %s', (problem, versions) => {
    expect(problemOf({ ...good, ...versions })).toBe(problem);
  });

  test.each(['0.8.0', '0.8.3'])('with pgvector %s is warned about', (vector) => {
    expect(warningOf({ ...good, vector })).toMatch(
      /^pgvector 0\.8\.\d has faults that 0\.8\.4 fixes: a buffer overflow/,
    );
  });

  test.each(['0.8.4', '0.8.10', '0.9.0'])('with pgvector %s is not', (vector) => {
    expect(warningOf({ ...good, vector })).toBeUndefined();
  });
});
