import { readContent } from '../../content/content-reading.ts';
import { firstTextOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstMessage } from './sample.ts';

/** ShareGPT: `{id, conversations: [{from, value}]}`; one, a list of them, or one on each line. */
export const sharegpt: ImportFormat = {
  name: 'sharegpt',
  source: 'json',
  lists: new Set(['conversations', 'items']),
  namesConversations: 'sometimes',
  looksLike(sample) {
    const message = firstMessage(sample, ['conversations', 'items'])?.message;
    return message !== undefined && 'from' in message && 'value' in message;
  },
  reader: (options) =>
    conversationReader(
      {
        format: 'sharegpt',
        conversation: (fields) => firstTextOf(fields, ['id']),
        isNamedLate: true,
        message: toMessage,
      },
      options,
    ),
};

function toMessage(message: JsonObject): SourceMessage {
  const role = textOf(message, 'from') ?? '';
  const isCall = role.toLowerCase() === 'function_call';
  const text = textOf(message, 'value');
  const content = readContent(message['value']);
  if (!isCall || text === undefined) return { role, content };
  return { role, content: { ...content, texts: [], calls: [toCall(text)] } };
}

/** The text of a call is usually JSON with a name. */
function toCall(text: string) {
  const name = /"name"\s{0,8}:\s{0,8}"([^"\\]{1,128})"/.exec(text)?.[1];
  return { id: undefined, name: name ?? 'function_call', arguments: text };
}
