import type { Role } from '@memory-layer/shared/db/schema';
import { joined, type ContentReading, type ToolCall, type ToolResult } from './content-reading.ts';

/** What becomes of a message whose content is a list, or that calls tools: text, and what metadata says of the rest. */
export interface MessagePart {
  /** Undefined is the role that the message was sent with. */
  readonly role: Role | undefined;
  readonly text: string;
  /** `tool_calls`, `tool_results`, `attachments`, where there are some. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * One message of a request, as one message. Its text parts are its text, and after them what tools answered. A message
 * of tool results alone, or of calls alone, is the tool's.
 *
 * @returns undefined when it has no text.
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
 * One message of an import, as several: each tool result and the calls together become messages of their own, so that
 * what a person or a model said holds nothing else.
 *
 * @returns none when it has no text.
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
  // A model that tells all of its turn in one message has called before it was answered, and then spoke.
  const isWholeTurn = calls.length > 0 && results.length > 0;
  const parts = isWholeTurn ? [...called, ...answered, ...spoken] : [...answered, ...spoken, ...called];
  const bearer = parts.findIndex(({ role }) => role === undefined);
  const named = listed('attachments', reading.attachments);
  return parts.map((part, n) =>
    n === Math.max(0, bearer) ? { ...part, metadata: { ...part.metadata, ...named } } : part,
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

/** Nothing for an empty list; fields without a value are left out, as JSON has no place for them. */
function listed(name: string, items: readonly object[]): Record<string, unknown> {
  if (items.length === 0) return {};
  const sparse = items.map((item) =>
    Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined)),
  );
  return { [name]: sparse };
}
