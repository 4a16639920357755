import type { AppError } from '@memory-layer/shared/errors/app-error';
import type { JsonObject } from '../../content/json-value.ts';

export type Path = readonly (string | number)[];

/** The parts of a document, in their order. */
export type Piece =
  /** A group, such as a conversation, whose list begins. Its fields are those before the list; later ones are added. */
  | { readonly kind: 'begin'; readonly path: Path; readonly fields: JsonObject }
  | { readonly kind: 'item'; readonly path: Path; readonly value: unknown }
  | { readonly kind: 'end'; readonly path: Path; readonly fields: JsonObject };

/** Stands for an item that is longer than an item may be. */
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

/** A message of the source after mapping, and its path in the document or in the line. */
export interface Mapped {
  readonly path: Path;
  /** A message, why it is skipped, or its error. */
  readonly result: MappedMessage | { readonly skipped: string } | AppError;
}

/** The place of a message: a line, a JSON Pointer into the line or the document, or both. */
export interface Place {
  readonly line?: number;
  readonly pointer?: string;
}

/** Whether each line of a source is a JSON document, or the whole source is one. */
export type Layout = 'document' | 'lines';

/** Maps the pieces of one source, in their order, to messages. It holds at most one conversation, of bounded size. */
export interface FormatReader {
  take(piece: Piece): Iterable<Mapped>;
}

export interface ReaderOptions {
  /** The conversation of a source that names none. */
  readonly conversationId: string | undefined;
  /** IANA name of the zone of times without an offset. */
  readonly timezone: string;
  /** The order of dates such as 5/6/24 in text; undefined: it is detected. */
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
   * Whether a source has this format, by its beginning: for JSON the outermost value of the document or of its first
   * line, as far as it was read; for text the text.
   */
  readonly looksLike: (sample: unknown) => boolean;
  readonly reader: (options: ReaderOptions) => FormatReader;
}
