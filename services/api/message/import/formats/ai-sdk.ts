import { emptyReading, outputText, readContent, type ContentReading } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstMessage } from './sample.ts';

const roles = new Set(['user', 'assistant', 'system', 'tool', 'data']);
const modelParts = new Set(['tool-call', 'tool-result', 'reasoning']);

/**
 * Messages of the AI SDK, as a list or as a chat `{id, messages}`: UI messages (`parts`, and `content` before version 5,
 * https://ai-sdk.dev/docs/reference/ai-sdk-core/ui-message) and model messages (`content`,
 * https://ai-sdk.dev/docs/reference/ai-sdk-core/model-message).
 */
export const aiSdk: ImportFormat = {
  name: 'ai-sdk',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'sometimes',
  looksLike(sample) {
    const found = firstMessage(sample, ['messages']);
    if (found === undefined || !found.messages.every((message) => roles.has(textOf(message, 'role') ?? ''))) {
      return false;
    }
    return found.messages.some((message) => {
      const types = listOf(message, 'content').flatMap((part) => (isObject(part) ? [textOf(part, 'type') ?? ''] : []));
      return (
        Array.isArray(message['parts']) || 'toolInvocations' in message || types.some((type) => modelParts.has(type))
      );
    });
  },
  reader: (options) =>
    conversationReader(
      {
        format: 'ai-sdk',
        conversation: (fields) => firstTextOf(fields, ['id', 'chatId']),
        isNamedLate: true,
        message: toMessage,
      },
      options,
    ),
};

function toMessage(message: JsonObject): SourceMessage {
  const { parts } = message;
  return {
    id: textOf(message, 'id'),
    role: textOf(message, 'role') ?? '',
    content: Array.isArray(parts) ? readUiParts(parts) : withInvocations(readContent(message['content']), message),
    time: message['createdAt'] ?? objectOf(message, 'metadata')['createdAt'],
  };
}

function readUiParts(parts: readonly unknown[]): ContentReading {
  const plain: unknown[] = [];
  const reading = emptyReading();
  for (const part of parts) {
    const type = isObject(part) ? (textOf(part, 'type') ?? '') : '';
    if (!isObject(part)) plain.push(part);
    else if (type === 'tool-invocation') readTool(objectOf(part, 'toolInvocation'), undefined, reading);
    else if (type === 'dynamic-tool') readTool(part, undefined, reading);
    else if (type.startsWith('tool-')) readTool(part, type.slice('tool-'.length), reading);
    else if (type !== 'step-start') plain.push(part);
  }
  const rest = readContent(plain);
  return {
    ...rest,
    calls: [...rest.calls, ...reading.calls],
    results: [...rest.results, ...reading.results],
    attachments: [...rest.attachments],
  };
}

function withInvocations(content: ContentReading, message: JsonObject): ContentReading {
  for (const invocation of listOf(message, 'toolInvocations')) {
    if (isObject(invocation)) readTool(invocation, undefined, content);
  }
  return content;
}

/** A call and its result, if any: a UI message has both in one part. */
function readTool(part: JsonObject, toolName: string | undefined, into: ContentReading): void {
  const id = textOf(part, 'toolCallId');
  const name = toolName ?? textOf(part, 'toolName') ?? 'tool';
  const input = part['input'] ?? part['args'];
  into.calls.push({ id, name, arguments: typeof input === 'string' ? input : (JSON.stringify(input) ?? '') });
  const output = part['output'] ?? part['result'] ?? part['errorText'];
  if (output !== undefined) into.results.push({ id, name, text: outputText(output) });
}
