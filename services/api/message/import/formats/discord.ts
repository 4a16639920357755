import { emptyReading, readAttachment } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstWith } from './sample.ts';

/** Types of messages that a person or a bot wrote, by name or number. The others are events of the channel. */
const written = new Set([
  'Default',
  'Reply',
  'ChatInputCommand',
  'ContextMenuCommand',
  'ThreadStarterMessage',
  '0',
  '19',
  '20',
  '21',
  '23',
]);

/** A channel as DiscordChatExporter writes it in JSON: https://github.com/Tyrrrz/DiscordChatExporter. */
export const discord: ImportFormat = {
  name: 'discord',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'always',
  looksLike(sample) {
    const first = firstWith(sample, 'channel');
    return first !== undefined && isObject(first['channel']) && 'guild' in first;
  },
  reader: (options) =>
    conversationReader(
      {
        format: 'discord',
        conversation: (fields) => firstTextOf(objectOf(fields, 'channel'), ['id']),
        isNamedLate: true,
        message: toMessage,
      },
      options,
    ),
};

function toMessage(message: JsonObject, fields: JsonObject): SourceMessage | { readonly skipped: string } {
  const type = textOf(message, 'type') ?? 'Default';
  if (!written.has(type)) return { skipped: `system message: ${type.slice(0, 64)}` };
  const author = objectOf(message, 'author');
  const channel = firstTextOf(objectOf(fields, 'channel'), ['name']);
  const files = [...listOf(message, 'attachments'), ...listOf(message, 'stickers')].filter(isObject);
  return {
    id: textOf(message, 'id'),
    role: author['isBot'] === true ? 'bot' : 'user',
    content: {
      ...emptyReading(),
      texts: [textOf(message, 'content') ?? ''],
      attachments: files.map((file) => readAttachment(file, 'file')),
    },
    time: message['timestamp'],
    speaker: firstTextOf(author, ['nickname', 'name']),
    metadata: channel === undefined ? {} : { channel },
  };
}
