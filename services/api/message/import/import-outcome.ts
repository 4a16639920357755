import { AppError } from '@memory-layer/shared/errors/app-error';
import { toProblem } from '../../http/errors.ts';
import { isKept, type Outcome } from '../message.ts';
import { toMessageError } from '../message-error.ts';

/** One line of the answer: what became of one line of the input. */
export function toOutcomeLine(line: number, outcome: Outcome | AppError, requestId: string): string {
  return `${JSON.stringify({ line, ...toBody(outcome, requestId) })}\n`;
}

function toBody(outcome: Outcome | AppError, requestId: string) {
  if (outcome instanceof AppError) {
    const { code, detail, errors } = toProblem(outcome, { instance: '', requestId });
    return { status: 'error', code, detail, errors };
  }
  if (!isKept(outcome)) return toBody(toMessageError(outcome, ''), requestId);
  return { status: outcome.kind, id: outcome.message.id };
}
