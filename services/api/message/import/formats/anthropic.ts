import { isObject, listOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { readContent } from '../../content/content-reading.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { FormatReader, ImportFormat, ReaderOptions } from './format.ts';
import { firstMessage } from './sample.ts';

/** Types of parts that no other format has. */
const anthropicParts = new Set([
  'tool_use',
  'tool_result',
  'server_tool_use',
  'document',
  'thinking',
  'redacted_thinking',
]);

/**
 * Anthropic's messages (https://docs.anthropic.com/en/api/messages): a list of messages, a request with `system` and
 * `messages`, or one of these on each line. An answer of the model (`type: "message"`) is a message like any other.
 */
export const anthropic: ImportFormat = {
  name: 'anthropic',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'never',
  looksLike(sample) {
    const found = firstMessage(sample, ['messages']);
    if (found === undefined || textOf(found.message, 'role') === undefined) return false;
    return found.holder?.['system'] !== undefined || found.messages.some(isAnthropicMessage);
  },
  reader: createReader,
};

/** Whether a message has a field or part that only Anthropic's messages have. */
function isAnthropicMessage(message: JsonObject): boolean {
  if (message['type'] === 'message' && 'stop_reason' in message) return true;
  return listOf(message, 'content').some(
    (part) => isObject(part) && (anthropicParts.has(textOf(part, 'type') ?? '') || isObject(part['source'])),
  );
}

function createReader(options: ReaderOptions): FormatReader {
  const reader = conversationReader({ format: 'anthropic', message: toMessage }, options);
  return {
    *take(piece) {
      yield* reader.take(piece);
      if (piece.kind !== 'begin' || piece.fields['system'] == null) return;
      // The system prompt of a request is a field beside `messages`, and becomes the first message.
      const value = { role: 'system', content: piece.fields['system'] };
      yield* reader.take({ kind: 'item', path: [...piece.path, 'system'], value });
    },
  };
}

function toMessage(message: JsonObject): SourceMessage {
  return {
    id: textOf(message, 'id'),
    role: textOf(message, 'role') ?? '',
    content: readContent(message['content']),
    time: message['created_at'] ?? message['timestamp'],
  };
}
