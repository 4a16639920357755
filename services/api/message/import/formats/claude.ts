import { emptyReading, readContent, type ContentReading } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstWith } from './sample.ts';

/** Claude's export, conversations.json: conversations with `chat_messages`. */
export const claude: ImportFormat = {
  name: 'claude',
  source: 'json',
  lists: new Set(['chat_messages']),
  namesConversations: 'always',
  looksLike: (sample) => Array.isArray(firstWith(sample, 'chat_messages')?.['chat_messages']),
  reader: (options) =>
    conversationReader(
      {
        format: 'claude',
        conversation: (fields) => firstTextOf(fields, ['uuid']),
        isNamedLate: true,
        message: toMessage,
      },
      options,
    ),
};

function toMessage(message: JsonObject, fields: JsonObject): SourceMessage {
  const title = textOf(fields, 'name');
  return {
    id: textOf(message, 'uuid'),
    role: textOf(message, 'sender') ?? '',
    content: toContent(message),
    time: message['created_at'],
    metadata: title === undefined || title === '' ? {} : { conversation_title: title },
  };
}

/** `text` is the older form of `content`, which has the calls too. */
function toContent(message: JsonObject): ContentReading {
  const parts = listOf(message, 'content');
  const reading = parts.length > 0 ? readContent(parts) : emptyReading();
  const text = textOf(message, 'text');
  const isEmpty = reading.texts.length + reading.results.length + reading.calls.length === 0;
  if (isEmpty && text !== undefined) reading.texts.push(text);
  const files = [...listOf(message, 'attachments'), ...listOf(message, 'files')].filter(isObject);
  const named = files.map((file) => ({ type: 'file', name: textOf(file, 'file_name')?.slice(0, 256) ?? 'file' }));
  return { ...reading, attachments: [...reading.attachments, ...named] };
}
