import { isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { readModelMessage } from '../../content/model-message.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { toRole } from './roles.ts';
import { firstMessage } from './sample.ts';

const types = new Set(['human', 'ai', 'system', 'tool', 'function', 'chat', 'developer']);

/**
 * LangChain's messages as dicts, of `messages_to_dict` (`{type, data: {content}}`) and of `model_dump` (`{type, content}`), and
 * as `dumpd` has them (`{lc, type: "constructor", id, kwargs}`): https://python.langchain.com/api_reference/core/messages.html.
 */
export const langchain: ImportFormat = {
  name: 'langchain',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'never',
  looksLike(sample) {
    const message = firstMessage(sample, ['messages'])?.message;
    if (message === undefined || 'role' in message) return false;
    const flat = flatten(message);
    const type = typeOf(flat);
    return types.has(type) && ('content' in flat || type === 'ai');
  },
  reader: (options) => conversationReader({ format: 'langchain', message: toMessage }, options),
};

function flatten(message: JsonObject): JsonObject {
  if (isObject(message['data'])) return { type: message['type'], ...message['data'] };
  if (message['type'] !== 'constructor' || !isObject(message['kwargs'])) return message;
  const name = listOf(message, 'id').at(-1);
  return { ...message['kwargs'], type: typeof name === 'string' ? name : '' };
}

/** `AIMessageChunk` and `HumanMessage` are the names of classes. */
function typeOf(message: JsonObject): string {
  return (textOf(message, 'type') ?? '').replace(/Message(?:Chunk)?$/, '').toLowerCase();
}

function toMessage(value: JsonObject): SourceMessage {
  const message = flatten(value);
  const type = typeOf(message);
  const role = type === 'chat' ? (textOf(message, 'role') ?? '') : type;
  const more = objectOf(message, 'additional_kwargs');
  const isTools = toRole(role) === 'tool';
  const content = readModelMessage({ ...more, ...message, tool_calls: callsOf(message, more) }, isTools);
  // A provider's content may repeat the calls among its parts.
  const seen = new Set<string>();
  const calls = content.calls.filter(({ id }) => id === undefined || (!seen.has(id) && seen.add(id)));
  return {
    id: textOf(message, 'id'),
    role,
    content: { ...content, calls },
    time: more['timestamp'] ?? more['created_at'] ?? objectOf(message, 'response_metadata')['created_at'],
    speaker: isTools ? undefined : textOf(message, 'name'),
  };
}

function callsOf(message: JsonObject, more: JsonObject): readonly unknown[] {
  const calls = listOf(message, 'tool_calls');
  return calls.length > 0 ? calls : listOf(more, 'tool_calls');
}
