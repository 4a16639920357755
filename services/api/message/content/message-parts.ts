import type { Role } from '@memory-layer/shared/db/schema';
import { joined, type ContentReading, type ToolCall, type ToolResult } from './content-reading.ts';

/** A message, or a part of one, as it is stored: its text, and metadata for everything else. */
export interface MessagePart {
  /** Undefined: the role that the message was sent with. */
  readonly role: Role | undefined;
  readonly text: string;
  /** `tool_calls`, `tool_results` and `attachments`, if any. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Makes one message of one message of a request. Its text consists of its text parts and then of tool results. A message
 * of tool results alone, or of calls alone, gets the role tool.
 *
 * @returns undefined when the message has no text.
 */
export function toOnePart(reading: ContentReading): MessagePart | undefined {
  const { texts, calls, results, attachments } = reading;
  const said = joined(texts);
  const answered = joined(results.map(({ text }) => text));
  const rest = { ...resultNames(results), ...listed('attachments', attachments) };
  if (said.trim() !== '') {
    const metadata = { ...listed('tool_calls', calls), ...rest };
    return { role: undefined, text: answered.trim() === '' ? said : `${said}\n\n${answered}`, metadata };
  }
  if (answered.trim() !== '') {
    return { role: 'tool', text: answered, metadata: { ...listed('tool_calls', calls), ...rest } };
  }
  if (calls.length === 0) return undefined;
  return { role: 'tool', text: callTexts(calls), metadata: { ...callNames(calls), ...rest } };
}

/**
 * Splits one message of an import: each tool result, and the calls together, become messages of their own, so that a
 * message of a person or model contains nothing else.
 *
 * @returns an empty list when the message has no text.
 */
export function toManyParts(reading: ContentReading): MessagePart[] {
  const { texts, calls, results } = reading;
  const said = joined(texts);
  const called: MessagePart[] =
    calls.length === 0 ? [] : [{ role: 'tool', text: callTexts(calls), metadata: callNames(calls) }];
  const answered: MessagePart[] = results
    .filter(({ text }) => text.trim() !== '')
    .map((result) => ({ role: 'tool', text: result.text, metadata: resultNames([result]) }));
  const spoken: MessagePart[] = said.trim() === '' ? [] : [{ role: undefined, text: said, metadata: {} }];
  // In a message with a whole turn the calls come first, then their results, then the text.
  const isWholeTurn = calls.length > 0 && results.length > 0;
  const parts = isWholeTurn ? [...called, ...answered, ...spoken] : [...answered, ...spoken, ...called];
  const textIndex = parts.findIndex(({ role }) => role === undefined);
  const named = listed('attachments', reading.attachments);
  return parts.map((part, n) =>
    n === Math.max(0, textIndex) ? { ...part, metadata: { ...part.metadata, ...named } } : part,
  );
}

/** As `name(arguments)`, one a line. */
function callTexts(calls: readonly ToolCall[]): string {
  return calls.map((call) => `${call.name}(${call.arguments})`).join('\n');
}

function callNames(calls: readonly ToolCall[]) {
  return listed(
    'tool_calls',
    calls.map(({ id, name }) => ({ id, name })),
  );
}

function resultNames(results: readonly ToolResult[]) {
  return listed(
    'tool_results',
    results.map(({ id, name }) => ({ id, name })),
  );
}

/** The list under its name, without undefined fields; nothing for an empty list. */
function listed(name: string, items: readonly object[]): Record<string, unknown> {
  if (items.length === 0) return {};
  const sparse = items.map((item) =>
    Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)),
  );
  return { [name]: sparse };
}
