import { emptyReading, type Attachment } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstWith } from './sample.ts';

/** Fields for content other than text. */
const files = [
  'photo',
  'file',
  'sticker',
  'location_information',
  'contact_information',
  'poll',
  'game_title',
] as const;

/** Telegram Desktop's result.json: one chat, or all of them under `chats`. */
export const telegram: ImportFormat = {
  name: 'telegram',
  source: 'json',
  lists: new Set(['messages', 'chats', 'left_chats']),
  namesConversations: 'always',
  looksLike(sample) {
    const [chats, personal] = [firstWith(sample, 'chats'), firstWith(sample, 'personal_information')];
    if (isObject(chats?.['chats']) || (personal !== undefined && 'about' in personal)) return true;
    const chat = firstWith(sample, 'messages');
    if (chat === undefined || !('name' in chat || 'type' in chat)) return false;
    const [message] = listOf(chat, 'messages');
    return isObject(message) && 'date' in message && ('text' in message || message['type'] === 'service');
  },
  reader: (options) =>
    conversationReader(
      {
        format: 'telegram',
        // The object that holds all chats has neither an id nor messages.
        conversation: (fields) => firstTextOf(fields, ['id']),
        isNamedLate: true,
        message: toMessage,
        isNoMessage: (path) => path.at(-1) === 'about',
      },
      options,
    ),
};

function toMessage(message: JsonObject, fields: JsonObject): SourceMessage | { readonly skipped: string } {
  if (message['type'] === 'service') {
    return { skipped: `system message: ${textOf(message, 'action')?.slice(0, 64) ?? 'service'}` };
  }
  const chat = textOf(fields, 'name');
  return {
    id: textOf(message, 'id'),
    role: 'user',
    content: { ...emptyReading(), texts: [plainText(message['text'])], attachments: attachmentsOf(message) },
    // `date` is in the time zone of the exporting computer.
    time: message['date_unixtime'] ?? message['date'],
    speaker: firstTextOf(message, ['from', 'author', 'from_id']),
    metadata: chat === undefined || chat === '' ? {} : { chat },
  };
}

/** A text, or a list of texts and of parts such as links. */
function plainText(text: unknown): string {
  if (typeof text === 'string') return text;
  if (!Array.isArray(text)) return '';
  const texts = text.map((part: unknown) => (isObject(part) ? textOf(part, 'text') : part));
  return texts.filter((part) => typeof part === 'string').join('');
}

function attachmentsOf(message: JsonObject): Attachment[] {
  const type = firstTextOf(message, ['media_type']);
  const found = files.filter((field) => field in message);
  return found.map((field) => {
    const name = firstTextOf(message, ['file_name']);
    const kind = type ?? (field === 'file' ? 'file' : (field.split('_')[0] ?? field));
    return { type: kind.slice(0, 64), ...(name === undefined ? {} : { name: name.slice(0, 256) }) };
  });
}
