import { isObject, listOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { readModelMessage } from '../../content/model-message.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstMessage } from './sample.ts';
import { toRole } from './roles.ts';

const openAiParts = new Set([
  'image_url',
  'input_text',
  'output_text',
  'input_image',
  'input_file',
  'input_audio',
  'refusal',
]);
/** Fields that no other format's messages have. */
const openAiFields = ['tool_calls', 'tool_call_id', 'function_call', 'refusal', 'weight'] as const;

/**
 * OpenAI's chat messages (https://platform.openai.com/docs/api-reference/chat): a list of messages, a request with
 * `messages`, or fine-tuning JSONL (https://platform.openai.com/docs/guides/supervised-fine-tuning), a conversation a line.
 */
export const openai: ImportFormat = {
  name: 'openai',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'never',
  looksLike(sample) {
    const found = firstMessage(sample, ['messages']);
    if (found === undefined) return false;
    const { message, messages, holder } = found;
    if (textOf(message, 'role') === undefined || 'parts' in message || 'conversation_id' in message) return false;
    if (messages.some(isOpenAiMessage)) return true;
    // Plain text has the same form in every format, and is read in the same way.
    return holder?.['system'] === undefined && messages.every(isText);
  },
  reader: (options) => conversationReader({ format: 'openai', message: toMessage }, options),
};

/** Whether a message has a field or part that only OpenAI's messages have. */
function isOpenAiMessage(message: JsonObject): boolean {
  if (message['role'] === 'developer' || message['role'] === 'function') return true;
  return openAiFields.some((field) => field in message) || partTypes(message).some((type) => openAiParts.has(type));
}

function isText(message: JsonObject): boolean {
  return (
    !('toolInvocations' in message || 'stop_reason' in message) && partTypes(message).every((type) => type === 'text')
  );
}

function partTypes(message: JsonObject): readonly string[] {
  return listOf(message, 'content').map((part) => (isObject(part) ? (textOf(part, 'type') ?? '') : 'text'));
}

function toMessage(message: JsonObject): SourceMessage {
  const role = textOf(message, 'role') ?? '';
  const isTools = toRole(role) === 'tool';
  return {
    id: textOf(message, 'id'),
    role,
    content: readModelMessage(message, isTools),
    time: message['created_at'] ?? message['timestamp'],
    speaker: isTools ? undefined : textOf(message, 'name'),
  };
}
