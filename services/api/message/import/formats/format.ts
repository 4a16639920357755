import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { JsonObject } from '../../content/json-value.ts';

export type Path = readonly (string | number)[];

/** What is read of a document, one after the other. */
export type Piece =
  /** A group, such as a conversation, whose list begins. Its fields are those before the list; later ones are added. */
  | { readonly kind: 'begin'; readonly path: Path; readonly fields: JsonObject }
  | { readonly kind: 'item'; readonly path: Path; readonly value: unknown }
  | { readonly kind: 'end'; readonly path: Path; readonly fields: JsonObject };

/** In place of an item that was longer than an item may be. */
export const tooLarge: unique symbol = Symbol('too large');

/** More of a text is not held. It is longer than the content of a message can be, and is refused for that. */
export const maxTextCharacters = 262_144;

/** A message as `POST /v1/messages` takes it, without its tenant. */
export interface MappedMessage {
  readonly conversation_id: string | undefined;
  readonly external_id: string;
  readonly role: string;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly created_at?: string;
}

/** What became of a message of the source, and where in the document (or in the line) it stands. */
export interface Mapped {
  readonly path: Path;
  /** A message; why there is none to store; or what is wrong with it. */
  readonly result: MappedMessage | { readonly skipped: string } | AppError;
}

/** Where a message stands: a line, a JSON Pointer in it or in the whole document, or both. */
export interface Place {
  readonly line?: number;
  readonly pointer?: string;
}

/** Each line of a source is a JSON document, or all of it is one. */
export type Layout = 'document' | 'lines';

/** Turns the pieces of one source, in their order, into messages. It holds one conversation at most, and bounded. */
export interface FormatReader {
  take(piece: Piece): Iterable<Mapped>;
}

export interface ReaderOptions {
  /** The conversation of a source that names none. */
  readonly conversationId: string | undefined;
  /** IANA name of the zone of times that name none. */
  readonly timezone: string;
  /** Of dates such as 5/6/24, in text; undefined when it is to be found out. */
  readonly dateOrder: DateOrder | undefined;
  /** The beginning of a text. */
  readonly sample: string;
}

export const dateOrders = ['dmy', 'mdy', 'ymd'] as const;
export type DateOrder = (typeof dateOrders)[number];

/** How one kind of export is read. */
export interface ImportFormat {
  readonly name: string;
  /** JSON documents or JSON lines; or text, whose lines are the items. */
  readonly source: 'json' | 'text';
  /** Fields that hold the lists of conversations and messages. */
  readonly lists: ReadonlySet<string>;
  /** Whether its sources say which conversation a message is of. */
  readonly namesConversations: 'always' | 'sometimes' | 'never';
  /**
   * Whether this is the format of a source, by its beginning: of JSON the outermost value, or that of the first line,
   * as far as it is known; of text the text.
   */
  readonly looksLike: (sample: unknown) => boolean;
  readonly reader: (options: ReaderOptions) => FormatReader;
}
