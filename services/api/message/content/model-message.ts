import { joined, readAttachment, readCall, readContent, type ContentReading } from './content-reading.ts';
import { firstTextOf, isObject } from './json-value.ts';

/** The fields of messages of OpenAI, Anthropic and the AI SDK, except the role. */
export interface ModelMessage {
  readonly content?: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: unknown;
  readonly function_call?: unknown;
  readonly name?: unknown;
  readonly refusal?: unknown;
  readonly audio?: unknown;
}

/** @param isTools whether the message comes from a tool, so that its text is a result. */
export function readModelMessage(message: ModelMessage, isTools: boolean): ContentReading {
  const reading = readContent(message.content);
  if (typeof message.refusal === 'string') reading.texts.push(message.refusal);
  if (message.tool_calls != null && !Array.isArray(message.tool_calls)) {
    reading.problems.push({ path: ['tool_calls'], message: 'must be a list' });
  }
  const calls: readonly unknown[] = Array.isArray(message.tool_calls) ? message.tool_calls : [];
  for (const [index, call] of calls.entries()) readCallInto(call, reading, ['tool_calls', index]);
  if (message.function_call != null) readCallInto(message.function_call, reading, ['function_call']);
  if (isObject(message.audio)) reading.attachments.push(readAttachment(message.audio, 'audio'));
  return isTools ? asResult(message, reading) : reading;
}

function readCallInto(call: unknown, into: ContentReading, path: readonly (string | number)[]): void {
  const known = isObject(call) ? readCall(call) : undefined;
  if (known === undefined) into.problems.push({ path, message: 'must be a call that names its tool' });
  else into.calls.push(known);
}

function asResult(message: ModelMessage, reading: ContentReading): ContentReading {
  const fields = { id: message.tool_call_id, name: message.name };
  const [id, name] = [firstTextOf(fields, ['id']), firstTextOf(fields, ['name'])];
  if (reading.texts.length === 0 || (id === undefined && name === undefined)) return reading;
  return { ...reading, texts: [], results: [{ id, name, text: joined(reading.texts) }, ...reading.results] };
}
