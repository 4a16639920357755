import type { NewMessage, Outcome } from '../message.ts';
import { toMessageRow } from '../write/message-row.ts';
import { storedOutcome } from '../write/store-messages.ts';
import type { RecordedOutcome } from './idempotency.ts';

/** The answer of before: what was recorded, with the words of the same request sent again. */
export function replay(
  input: readonly NewMessage[],
  generation: number,
  recorded: readonly RecordedOutcome[],
): Outcome[] {
  return recorded.flatMap((outcome, n) => {
    const message = input[n];
    return message === undefined ? [] : [replayOne(message, generation, outcome)];
  });
}

function replayOne(message: NewMessage, generation: number, recorded: RecordedOutcome): Outcome {
  if (recorded.kind === 'conflict' || recorded.kind === 'refused') return recorded;
  if (recorded.kind === 'stored') {
    return storedOutcome(toMessageRow(message, generation, new Date(recorded.at), recorded.id));
  }
  const { kind, createdAt, updatedAt, expiresAt, ...rest } = recorded;
  const dates = {
    createdAt: new Date(createdAt),
    updatedAt: new Date(updatedAt),
    expiresAt: expiresAt === null ? undefined : new Date(expiresAt),
  };
  return { kind, message: { ...message, ...rest, ...dates } };
}
