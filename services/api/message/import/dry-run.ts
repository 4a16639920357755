import { AppError } from '@memory-layer/shared/errors/app-error';
import type { NewMessage } from '../message.ts';
import { checkLine, placeOf, toOutcomeLine, type LineCheck } from './import-stream.ts';
import type { InputLine } from './ndjson-lines.ts';
import type { Slicer } from '../../http/time-slicer.ts';

export interface DryRunOptions {
  /** The format of a live source is known only after its first line is read. */
  readonly source: { readonly format: string };
  readonly timezone: string;
  readonly requestId: string;
  readonly slicer: Slicer;
}

const shownMessages = 10;
/** Lines with errors, and reasons for skipping, that are shown at most. */
const maxShown = 50;
/** Conversations that are counted at most. */
const maxConversations = 100_000;

/**
 * Says what an import would do and stores nothing: the first ten messages as `POST /v1/messages` takes them, the first
 * errors, and a summary of the whole source as the last line.
 */
export async function* dryRun(
  lines: AsyncIterable<readonly InputLine[]>,
  check: LineCheck,
  { source, timezone, requestId, slicer }: DryRunOptions,
): AsyncGenerator<string> {
  const counts = { messages: 0, skipped: 0, error: 0 };
  const skipped = new Map<string, number>();
  const roles = new Map<string, number>();
  const conversations = new Set<string>();

  function take(line: InputLine): string {
    if (typeof line.text === 'object' && 'skipped' in line.text) {
      counts.skipped += 1;
      const reason = skipped.size < maxShown || skipped.has(line.text.skipped) ? line.text.skipped : 'other';
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
      return '';
    }
    const checked = checkLine(line, check);
    if (checked instanceof AppError) {
      counts.error += 1;
      return counts.error <= maxShown ? toOutcomeLine(line, checked, requestId) : '';
    }
    counts.messages += 1;
    roles.set(checked.role, (roles.get(checked.role) ?? 0) + 1);
    if (conversations.size < maxConversations) conversations.add(checked.conversationId);
    return counts.messages <= shownMessages ? toMappedLine(line, checked) : '';
  }

  for await (const some of lines) {
    const text = (await slicer.map(some, take)).join('');
    if (text !== '') yield text;
  }
  const summary = {
    ...counts,
    conversations: conversations.size,
    roles: Object.fromEntries(roles),
    reasons: Object.fromEntries(skipped),
  };
  yield `${JSON.stringify({ status: 'summary', format: source.format, timezone, ...summary })}\n`;
}

function toMappedLine(line: InputLine, message: NewMessage): string {
  const body = {
    tenant_id: message.tenantId,
    conversation_id: message.conversationId,
    role: message.role,
    content: message.content,
    metadata: message.metadata,
    external_id: message.externalId,
    created_at: message.createdAt,
  };
  return `${JSON.stringify({ ...placeOf(line), status: 'mapped', message: body })}\n`;
}
