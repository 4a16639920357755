import { AppError } from '@memory-layer/shared/errors/app-error';
import { emptyReading, readContent, type ContentReading } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import {
  maxWaitingCharacters,
  messageTooLarge,
  sizeOf,
  toMessages,
  tooMuchWaits,
  type SourceMessage,
} from './conversation-reader.ts';
import {
  tooLarge,
  type FormatReader,
  type ImportFormat,
  type Mapped,
  type Path,
  type ReaderOptions,
} from './format.ts';
import { firstWith } from './sample.ts';
import { toInstant } from './times.ts';

/**
 * ChatGPT's export, conversations.json: a tree of messages for each conversation. The branch that was shown is imported:
 * `current_node` and its ancestors. Without a current node it is the last node and its ancestors.
 */
export const chatgpt: ImportFormat = {
  name: 'chatgpt',
  source: 'json',
  lists: new Set(['mapping']),
  namesConversations: 'always',
  looksLike: (sample) => isObject(firstWith(sample, 'mapping')?.['mapping']),
  reader: createReader,
};

interface TreeNode {
  readonly parent: string | undefined;
  readonly path: Path;
  readonly message: SourceMessage | AppError | undefined;
  /** Why there is no message to import. */
  readonly skipped: string | undefined;
}

interface Conversation {
  readonly fields: JsonObject;
  readonly path: Path;
  readonly nodes: Map<string, TreeNode>;
  last: string | undefined;
  characters: number;
}

function createReader(options: ReaderOptions): FormatReader {
  let conversation: Conversation | undefined;
  return {
    *take(piece) {
      if (piece.kind === 'begin') {
        const { fields, path } = piece;
        conversation = { fields, path, nodes: new Map(), last: undefined, characters: 0 };
      } else if (piece.kind === 'end') {
        if (conversation !== undefined) yield* branchOf(conversation, options);
        conversation = undefined;
      } else if (conversation === undefined) {
        yield { path: piece.path, result: { skipped: 'not a conversation' } };
      } else {
        keep(piece.path, piece.value, conversation);
      }
    },
  };
}

function keep(path: Path, value: unknown, conversation: Conversation): void {
  const id = String(path.at(-1));
  if (conversation.characters > maxWaitingCharacters) return;
  const node = toNode(path, value);
  conversation.characters += id.length + sizeOf(node);
  if (conversation.characters > maxWaitingCharacters) conversation.nodes.clear();
  else conversation.nodes.set(id, node);
  conversation.last = id;
}

function toNode(path: Path, value: unknown): TreeNode {
  if (value === tooLarge) {
    return { parent: undefined, path, message: messageTooLarge(), skipped: undefined };
  }
  const node = isObject(value) ? value : {};
  const parent = textOf(node, 'parent');
  const message = objectOf(node, 'message');
  if (!isObject(node['message'])) return { parent, path, message: undefined, skipped: undefined };
  const metadata = objectOf(message, 'metadata');
  // A message that the application wrote for the model alone was never shown.
  if (metadata['is_visually_hidden_from_conversation'] === true) {
    return { parent, path, message: undefined, skipped: 'hidden in the conversation' };
  }
  return { parent, path, message: toMessage(message, metadata), skipped: undefined };
}

function toMessage(message: JsonObject, metadata: JsonObject): SourceMessage {
  const author = objectOf(message, 'author');
  const model = textOf(metadata, 'model_slug');
  return {
    id: textOf(message, 'id'),
    role: textOf(author, 'role') ?? '',
    content: toContent(message, author),
    time: message['create_time'],
    metadata: model === undefined ? {} : { model },
  };
}

function toContent(message: JsonObject, author: JsonObject): ContentReading {
  const content = objectOf(message, 'content');
  const type = textOf(content, 'content_type') ?? '';
  const recipient = textOf(message, 'recipient') ?? 'all';
  const reading = type === 'text' || type === 'multimodal_text' ? readTextParts(content) : readOther(content, type);
  const text = reading.texts.filter((part) => part.trim() !== '').join('\n\n');
  const none = { ...reading, texts: [] };
  if (text === '') return none;
  const role = textOf(author, 'role');
  if (role === 'tool') return { ...none, results: [{ id: undefined, name: textOf(author, 'name'), text }] };
  if (role === 'assistant' && recipient !== 'all') {
    return { ...none, calls: [{ id: undefined, name: recipient, arguments: text }] };
  }
  return { ...none, texts: [text] };
}

function readTextParts(content: JsonObject): ContentReading {
  const parts = listOf(content, 'parts').map((part) => {
    if (!isObject(part)) return part;
    const type = textOf(part, 'content_type') ?? 'part';
    return type === 'audio_transcription' ? { type: 'text', text: textOf(part, 'text') ?? '' } : { ...part, type };
  });
  return readContent(parts.filter((part) => part !== null));
}

function readOther(content: JsonObject, type: string): ContentReading {
  const reading = emptyReading();
  const isThought = type === 'thoughts' || type === 'reasoning_recap' || type === 'user_editable_context';
  const text = firstTextOf(content, ['text', 'result', 'content']);
  if (isThought || text === undefined) reading.attachments.push({ type: type === '' ? 'part' : type.slice(0, 64) });
  else reading.texts.push(text);
  return reading;
}

function* branchOf(conversation: Conversation, options: ReaderOptions): Generator<Mapped> {
  const { fields, nodes, path } = conversation;
  if (conversation.characters > maxWaitingCharacters) {
    yield { path, result: tooMuchWaits() };
    return;
  }
  const name = firstTextOf(fields, ['conversation_id', 'id']) ?? options.conversationId;
  const toolNames = new Map<string, string>();
  const begun = toInstant(fields['create_time'], options.timezone);
  const latest = begun === undefined ? {} : { conversation: name, time: begun };
  const branch = ancestryOf(firstTextOf(fields, ['current_node']) ?? conversation.last, nodes);
  for (const [position, node] of branch.entries()) {
    const { message, skipped } = node;
    if (skipped !== undefined) yield { path: node.path, result: { skipped } };
    else if (message instanceof AppError) yield { path: node.path, result: message };
    else if (message !== undefined) {
      const context = { spec: { format: 'chatgpt' }, options, conversation: name, position, toolNames, latest };
      const title = textOf(fields, 'title');
      const metadata = {
        ...(title === undefined || title === '' ? {} : { conversation_title: title }),
        ...message.metadata,
      };
      for (const result of toMessages({ ...message, metadata }, context)) yield { path: node.path, result };
    }
  }
}

/** The node and its ancestors, from the root on. A cycle ends where it closes. */
function ancestryOf(last: string | undefined, nodes: ReadonlyMap<string, TreeNode>): TreeNode[] {
  const ancestry: TreeNode[] = [];
  const seen = new Set<string>();
  for (let id = last; id !== undefined && !seen.has(id); id = nodes.get(id)?.parent) {
    seen.add(id);
    const node = nodes.get(id);
    if (node !== undefined) ancestry.push(node);
  }
  return ancestry.toReversed();
}
