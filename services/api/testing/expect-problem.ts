import { errorCatalog, type ErrorCode } from '@memory-layer/shared/errors/error-catalog';
import { expect } from 'vitest';
import type { Answer } from './call.ts';

/** The field that must be named, in its part of the request. */
export interface NamedField {
  readonly in: 'body' | 'query' | 'path' | 'header';
  readonly pointer: string;
}

/** Checks that an answer is problem+json of this code, whole and consistent, and names just these fields. */
export function expectProblem(answer: Answer, code: ErrorCode, fields: readonly NamedField[] = []): void {
  const { status, title } = errorCatalog[code];
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status, body: { code } });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const { detail, instance, requestId, errors = [], ...rest } = answer.body;
  const retry = status === 429 ? { retry_after: Number(answer.headers.get('retry-after')) } : {};
  expect(rest).toEqual({ type: `urn:memory-layer:error:${code}`, title, status, code, ...retry });
  expect(detail).toMatch(/\S/);
  expect(instance).toMatch(/^\//);
  expect(requestId).toMatch(/^[\w-]{1,128}$/);
  expect(answer.headers.get('x-request-id')).toBe(requestId);
  expect(errors).toEqual(fields.map((field) => ({ ...field, detail: expect.stringMatching(/^[a-z]/) })));
}
