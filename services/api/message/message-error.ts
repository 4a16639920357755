import { AppError } from '@memory-layer/shared/errors/app-error';
import { invalidRequest } from '../http/validation-hook.ts';
import type { Kept, Outcome } from './message.ts';

/** @param pointer JSON Pointer of the external_id that another message has. */
function externalIdTaken(existingId: string, pointer: string): AppError {
  const detail = `is taken by message ${existingId}, which is of another conversation, role or content`;
  return new AppError('conflict', `${pointer} ${detail}.`, { errors: [{ in: 'body', pointer, detail }] });
}

/** @param pointer JSON Pointer of the message; empty for the whole body. */
function messageRefused(pointer: string): AppError {
  const detail = 'cannot be stored: its text or metadata is more than the database takes';
  return invalidRequest([{ in: 'body', pointer, detail }]);
}

/** Why a message is not stored. @param pointer JSON Pointer of the message; empty for the whole body. */
export function toMessageError(outcome: Exclude<Outcome, Kept>, pointer: string): AppError {
  if (outcome.kind === 'conflict') return externalIdTaken(outcome.existingId, `${pointer}/external_id`);
  return messageRefused(pointer);
}
