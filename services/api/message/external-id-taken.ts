import { AppError } from '@memory-layer/shared/errors/app-error';

/** @param pointer JSON Pointer of the external_id that another message has. */
export function externalIdTaken(existingId: string, pointer: string): AppError {
  const detail = `is taken by message ${existingId}, which is of another conversation, role or content`;
  return new AppError('conflict', `${pointer} ${detail}.`, { errors: [{ in: 'body', pointer, detail }] });
}
