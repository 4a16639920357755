import { AppError, type FieldError } from '@memory-layer/shared/errors/app-error';
import type { z } from 'zod';

const partOf = new Map<string, FieldError['in']>([
  ['json', 'body'],
  ['form', 'body'],
  ['query', 'query'],
  ['param', 'path'],
  ['header', 'header'],
  ['cookie', 'header'],
]);

// A body of nothing but unknown fields must not make an answer many times its size.
const maxListedErrors = 50;

type Result =
  | { readonly success: true; readonly target: string }
  | { readonly success: false; readonly target: string; readonly error: z.core.$ZodError };

/** Makes a 422 that names every invalid field out of a failed validation. */
export function validationHook(result: Result): void {
  if (result.success) return;
  throw invalidRequest(toFieldErrors(result.error, partOf.get(result.target) ?? 'body'));
}

export function invalidRequest(errors: readonly FieldError[]): AppError {
  const first = errors[0];
  const what = first === undefined ? 'The request is not valid.' : `${first.pointer || 'The body'} ${first.detail}.`;
  const more = errors.length > 1 ? ` And ${errors.length - 1} more: see errors.` : '';
  return new AppError('invalid_request', what + more, { errors: errors.slice(0, maxListedErrors) });
}

/** One entry per invalid field, what is wrong with it first; unknown fields are named one by one. */
export function toFieldErrors(
  error: z.core.$ZodError,
  part: FieldError['in'],
  base: readonly PropertyKey[] = [],
): FieldError[] {
  const errors = new Map<string, FieldError>();
  const add = (pointer: string, detail: string): void => {
    if (!errors.has(pointer)) errors.set(pointer, { in: part, pointer, detail });
  };
  for (const issue of error.issues) {
    const pointer = toPointer([...base, ...issue.path]);
    if (issue.code !== 'unrecognized_keys') add(pointer, sentence(issue.message));
    // There may be a hundred thousand.
    else for (const key of issue.keys) add(`${pointer}/${escaped(key)}`, 'is not a known field');
  }
  return [...errors.values()];
}

// A name that a caller made up must not make an answer of its own size.
const maxPointerPart = 128;

/** JSON Pointer, RFC 6901; of a long name its beginning and an ellipsis. */
function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${escaped(String(part))}`).join('');
}

function escaped(part: string): string {
  const name = part.length <= maxPointerPart ? part : `${part.slice(0, maxPointerPart).toWellFormed()}…`;
  return name.includes('~') || name.includes('/') ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}

// zod writes "Invalid input: expected string, received number"; ours start with a verb already.
function sentence(message: string): string {
  const text = message.replace(/^Invalid input: /, 'is invalid: ').replace(/^Too (big|small): /, 'is too $1: ');
  return /^[A-Z]/.test(text) ? `is invalid: ${text}` : text;
}
