import { AppError } from '@memory-layer/shared/errors/app-error';
import { invalidRequest } from '../../../http/validation-hook.ts';
import type { ContentReading } from '../../content/content-reading.ts';
import { isObject, type JsonObject } from '../../content/json-value.ts';
import { toManyParts } from '../../content/message-parts.ts';
import { idOfPosition, idOfSource } from './external-id.ts';
import { tooLarge, type FormatReader, type Mapped, type Path, type Piece, type ReaderOptions } from './format.ts';
import { toRole } from './roles.ts';
import { toInstant } from './times.ts';

/** A message of the source, as the adapter of its format reads it. */
export interface SourceMessage {
  /** Unique in its conversation. */
  readonly id?: string | undefined;
  /** Where the message itself names its conversation. */
  readonly conversation?: string | undefined;
  /** As the source names it. */
  readonly role: string;
  readonly content: ContentReading;
  /** As the source has it: an epoch, or a date and time. */
  readonly time?: unknown;
  readonly speaker?: string | undefined;
  readonly metadata?: JsonObject | undefined;
}

export interface ConversationSpec {
  readonly format: string;
  /** The name of a group's conversation; undefined when it has none. */
  readonly conversation?: (fields: JsonObject) => string | undefined;
  /** Whether the name may come after the messages, which then wait for it. */
  readonly isNamedLate?: boolean;
  /** @param fields of the group that the message is in. @returns the message, or why it is skipped. */
  readonly message: (value: JsonObject, fields: JsonObject) => SourceMessage | { readonly skipped: string };
  /** Whether a value among the messages is not a message. */
  readonly isNoMessage?: (path: Path) => boolean;
}

/** Size of the messages that wait for the name of their conversation. */
export const maxWaitingCharacters = 8_388_608;
/** Calls of a conversation whose names are kept for their results. */
const maxKnownCalls = 10_000;
/** Of the id of a call and its name; others are not remembered. */
const maxKnownCharacters = 512;

interface Group {
  /** Its number among the groups without a name, from 1. */
  readonly number: number;
  readonly fields: JsonObject;
  position: number;
  readonly toolNames: Map<string, string>;
  readonly latest: LatestTime;
  waiting: { readonly path: Path; readonly message: SourceMessage }[] | undefined;
  waitingCharacters: number;
}

function newGroup(fields: JsonObject, number: number): Group {
  return { number, fields, position: 0, toolNames: new Map(), latest: {}, waiting: undefined, waitingCharacters: 0 };
}

/** Reads formats in which a conversation is a list of messages. */
export function conversationReader(spec: ConversationSpec, options: ReaderOptions): FormatReader {
  const groups: Group[] = [];
  const outermost = newGroup({}, 1);
  let unnamed = 0;

  function* item(path: Path, value: unknown): Generator<Mapped> {
    const group = groups.at(-1) ?? outermost;
    if (!isObject(value)) {
      if (spec.isNoMessage?.(path) !== true) {
        yield { path, result: value === tooLarge ? messageTooLarge() : notAMessage() };
      }
      return;
    }
    const read = spec.message(value, group.fields);
    if ('skipped' in read) {
      yield { path, result: read };
      return;
    }
    if (group.waiting === undefined) {
      yield* settle(path, read, group);
      return;
    }
    group.waitingCharacters += sizeOf(read);
    if (group.waitingCharacters <= maxWaitingCharacters) group.waiting.push({ path, message: read });
    else yield { path, result: tooMuchWaits() };
  }

  function* settle(path: Path, message: SourceMessage, group: Group): Generator<Mapped> {
    const position = group.position++;
    const conversation = message.conversation ?? nameOf(group);
    const { toolNames, latest } = group;
    for (const result of toMessages(message, { spec, options, conversation, position, toolNames, latest })) {
      yield { path, result };
    }
  }

  function nameOf(group: Group): string | undefined {
    const named = spec.conversation?.(group.fields);
    if (named !== undefined && named !== '') return named;
    const { conversationId } = options;
    // The first conversation without a name has the given name; the others have numbers.
    return conversationId === undefined || group.number === 1 ? conversationId : `${conversationId}-${group.number}`;
  }

  function begin(fields: JsonObject): void {
    const name = spec.conversation?.(fields);
    if (name === undefined) unnamed += 1;
    const group = newGroup(fields, unnamed);
    if (name === undefined && spec.isNamedLate === true) group.waiting = [];
    groups.push(group);
  }

  function* end(group: Group | undefined): Generator<Mapped> {
    const waiting = group?.waiting ?? [];
    if (group !== undefined) for (const { path, message } of waiting) yield* settle(path, message, group);
  }

  return {
    *take(piece: Piece): Generator<Mapped> {
      if (piece.kind === 'item') yield* item(piece.path, piece.value);
      else if (piece.kind === 'begin') begin(piece.fields);
      else yield* end(groups.pop());
    },
  };
}

/** When the message before was said, which one without a time is given, so that it stays in its place. */
interface LatestTime {
  conversation?: string | undefined;
  time?: string;
}

interface MessageContext {
  readonly spec: Pick<ConversationSpec, 'format'>;
  readonly options: ReaderOptions;
  readonly conversation: string | undefined;
  readonly position: number;
  /** Names of tools by the ids of their calls. */
  readonly toolNames: Map<string, string>;
  readonly latest: LatestTime;
}

/** The messages that one message of the source becomes. */
export function toMessages(message: SourceMessage, context: MessageContext): Mapped['result'][] {
  const { spec, options, conversation, position, toolNames, latest } = context;
  const [problem] = message.content.problems;
  if (problem !== undefined) return [invalid(problem.path, problem.message)];
  for (const { id, name } of message.content.calls) {
    const isShort = id !== undefined && id.length + name.length <= maxKnownCharacters;
    if (isShort && toolNames.size < maxKnownCalls) toolNames.set(id, name);
  }
  const results = message.content.results.map((result) => ({
    ...result,
    name: result.name ?? (result.id === undefined ? undefined : toolNames.get(result.id)),
  }));
  const parts = toManyParts({ ...message.content, results });
  if (parts.length === 0) return [{ skipped: whyNoText(message.content) }];
  if (conversation === undefined) return [noConversation()];
  const own = message.time == null ? undefined : toInstant(message.time, options.timezone);
  if (message.time != null && own === undefined) return [invalid(['created_at'], 'is not a time in a known form')];
  const time = own ?? (latest.conversation === conversation ? latest.time : undefined);
  if (time !== undefined) Object.assign(latest, { conversation, time });
  return parts.map((part, n) => {
    const role = part.role ?? toRole(message.role);
    const id =
      message.id === undefined
        ? idOfPosition(spec.format, { conversation, position: `${position}.${n}`, role, content: part.text })
        : idOfSource(spec.format, [conversation, message.id, ...(n === 0 ? [] : [String(n)])]);
    return {
      conversation_id: conversation,
      external_id: id,
      role,
      content: part.text,
      metadata: { ...message.metadata, ...speakerOf(message, part.role === undefined), ...part.metadata },
      ...(time === undefined ? {} : { created_at: time }),
    };
  });
}

function speakerOf({ speaker }: SourceMessage, isSaid: boolean): { readonly speaker?: string } {
  return speaker === undefined || speaker === '' || !isSaid ? {} : { speaker };
}

/** Size of what is held until its conversation is complete, in characters. */
export function sizeOf(held: object): number {
  return JSON.stringify(held).length + 256;
}

function whyNoText({ attachments }: ContentReading): string {
  const [first] = attachments;
  return first === undefined ? 'no text' : `no text: ${first.type.slice(0, 64)}`;
}

function invalid(path: Path, detail: string): AppError {
  return invalidRequest([{ in: 'body', pointer: path.map((part) => `/${part}`).join(''), detail }]);
}

export function messageTooLarge(): AppError {
  return new AppError('payload_too_large', 'The message is longer than a message may be.');
}

function notAMessage(): AppError {
  return invalidRequest([{ in: 'body', pointer: '', detail: 'is no message of this format' }]);
}

function noConversation(): AppError {
  const detail = 'is required: the source does not name the conversation of this message';
  return invalidRequest([{ in: 'query', pointer: '/conversation_id', detail }]);
}

export function tooMuchWaits(): AppError {
  const detail = `The conversation has more than ${maxWaitingCharacters} characters before its name or its end.`;
  return new AppError('payload_too_large', detail);
}
