import { emptyReading, readAttachment } from '../../content/content-reading.ts';
import { firstTextOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../../content/json-value.ts';
import { conversationReader, type SourceMessage } from './conversation-reader.ts';
import type { ImportFormat } from './format.ts';
import { firstMessage } from './sample.ts';

/** Subtypes of messages that a person or a bot wrote. The others are events of the channel. */
const written = new Set([
  'bot_message',
  'me_message',
  'file_share',
  'file_comment',
  'thread_broadcast',
  'reply_broadcast',
]);

/**
 * A day of a channel in a Slack export (https://slack.com/help/articles/220556107): a list of messages, or
 * `{channel, users, messages}`, where `users` is the content of users.json and comes before `messages`.
 */
export const slack: ImportFormat = {
  name: 'slack',
  source: 'json',
  lists: new Set(['messages']),
  namesConversations: 'sometimes',
  looksLike(sample) {
    const message = firstMessage(sample, ['messages'])?.message;
    if (message === undefined) return false;
    return message['type'] === 'message' && /^\d{9,11}\.\d{6}$/.test(textOf(message, 'ts') ?? '');
  },
  reader(options) {
    const users = new WeakMap<JsonObject, Users>();
    function usersOf(fields: JsonObject): Users {
      const known = users.get(fields) ?? readUsers(fields);
      users.set(fields, known);
      return known;
    }
    return conversationReader(
      {
        format: 'slack',
        conversation: (fields) => firstTextOf(fields, ['channel']),
        message: (message, fields) => toMessage(message, usersOf(fields)),
      },
      options,
    );
  },
};

interface Users {
  /** By their ids. */
  readonly names: ReadonlyMap<string, string>;
  /** Ids of those that are applications. */
  readonly bots: ReadonlySet<string>;
}

function idOf(user: JsonObject): string {
  return textOf(user, 'id') ?? '';
}

function readUsers(fields: JsonObject): Users {
  const users = listOf(fields, 'users').filter(isObject);
  return {
    names: new Map(users.map((user) => [idOf(user), nameOf(objectOf(user, 'profile')) ?? nameOf(user) ?? ''])),
    bots: new Set(users.filter((user) => user['is_bot'] === true).map(idOf)),
  };
}

function nameOf(profile: JsonObject): string | undefined {
  return firstTextOf(profile, ['display_name', 'real_name', 'name']);
}

function toMessage(message: JsonObject, { names, bots }: Users): SourceMessage | { readonly skipped: string } {
  const subtype = textOf(message, 'subtype');
  if (subtype !== undefined && !written.has(subtype)) return { skipped: `system message: ${subtype.slice(0, 64)}` };
  const user = firstTextOf(message, ['user', 'bot_id']);
  const isBot = message['user'] === undefined ? message['bot_id'] !== undefined : bots.has(user ?? '');
  const speaker =
    (user === undefined ? undefined : names.get(user)) ??
    nameOf(objectOf(message, 'user_profile')) ??
    firstTextOf(message, ['username']) ??
    user;
  const thread = textOf(message, 'thread_ts');
  const files = listOf(message, 'files').filter(isObject);
  return {
    id: textOf(message, 'ts'),
    role: subtype === 'bot_message' || isBot ? 'bot' : 'user',
    content: {
      ...emptyReading(),
      texts: [plainText(shownText(message), names)],
      attachments: files.map((file) => ({ ...readAttachment(file, 'file'), type: 'file' })),
    },
    time: message['ts'],
    speaker,
    metadata: thread === undefined || thread === textOf(message, 'ts') ? {} : { thread },
  };
}

/** Applications show blocks or attachments where `text` is empty: https://docs.slack.dev/reference/block-kit. */
function shownText(message: JsonObject): string {
  const said = textOf(message, 'text') ?? '';
  if (said.trim() !== '') return said;
  const blocks = textsWithin(listOf(message, 'blocks'), maxBlockDepth).join(' ');
  if (blocks.trim() !== '') return blocks;
  return listOf(message, 'attachments')
    .filter(isObject)
    .flatMap((attachment) => {
      const shown = ['pretext', 'title', 'text'].flatMap((field) => textOf(attachment, field) ?? []);
      return shown.length > 0 ? shown : (textOf(attachment, 'fallback') ?? []);
    })
    .join('\n');
}

const maxBlockDepth = 6;

function textsWithin(items: readonly unknown[], depth: number): string[] {
  if (depth === 0) return [];
  return items.filter(isObject).flatMap((item) => {
    const text = textOf(item, 'text') ?? textOf(objectOf(item, 'text'), 'text');
    const within = [...listOf(item, 'elements'), ...listOf(item, 'fields')];
    return [...(text === undefined ? [] : [text]), ...textsWithin(within, depth - 1)];
  });
}

const marks = /<([@#!]?)([^<>|]{1,2048})(?:\|([^<>|]{0,2048}))?>/g;
const entities = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
]);

/** Mentions, channels and links as Slack shows them: https://api.slack.com/reference/surfaces/formatting. */
function plainText(text: string, names: ReadonlyMap<string, string>): string {
  const shown = text.includes('<')
    ? text.replaceAll(marks, (_, mark: string, target: string, label: string | undefined) => {
        if (mark === '@') return `@${label ?? names.get(target) ?? target}`;
        if (mark === '#') return `#${label ?? target}`;
        if (mark === '!') return label ?? `@${target.split('^')[0] ?? target}`;
        return label === undefined || label === target ? target : `${label} (${target})`;
      })
    : text;
  return shown.includes('&') ? shown.replaceAll(/&(?:lt|gt|amp);/g, (entity) => entities.get(entity) ?? entity) : shown;
}
