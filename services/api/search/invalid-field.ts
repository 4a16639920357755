import { AppError } from '@memory-layer/shared/errors/app-error';

/** An `invalid_request` about one field of a search. */
export function invalidField(source: 'query' | 'body', name: string, detail: string): AppError {
  return new AppError('invalid_request', `${name} ${detail}.`, {
    errors: [{ in: source, pointer: `/${name}`, detail }],
  });
}
