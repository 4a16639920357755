import { AppError } from '@memory-layer/shared/errors/app-error';
import { resolveTenant } from '../http/tenant.ts';
import { invalidRequest, toFieldErrors } from '../http/validation-hook.ts';
import type { Caller } from '../access/caller.ts';
import { toNewMessage } from './message.mapper.ts';
import type { MessageCreateSchema } from './message.schemas.ts';
import type { CheckedMessage } from './message.ts';

export interface MessageCheck {
  readonly schema: MessageCreateSchema;
  readonly caller: Pick<Caller, 'tenants'>;
}

/**
 * One of several messages of a request.
 *
 * @param base where it is in the request's body, for the pointers of errors.
 * @returns the message, or why it cannot be one.
 */
export function checkMessage(
  item: unknown,
  { schema, caller }: MessageCheck,
  base: readonly PropertyKey[] = [],
): CheckedMessage {
  const parsed = schema.safeParse(item);
  if (!parsed.success) return invalidRequest(toFieldErrors(parsed.error, 'body', base));
  try {
    const pointer = [...base, 'tenant_id'].map((part) => `/${String(part)}`).join('');
    return toNewMessage(parsed.data, resolveTenant(caller, parsed.data.tenant_id, { in: 'body', pointer }));
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
