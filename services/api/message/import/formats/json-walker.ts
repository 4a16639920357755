import { AppError } from '@memory-layer/shared/errors/app-error';
import { jsonParser, type Token } from 'stream-json/core/parser.js';
import { tooLarge, type Path, type Piece } from './format.ts';

export interface WalkerOptions {
  /** Names of the fields that hold lists, whose items come one by one. Undefined: the whole document is one item. */
  readonly lists: ReadonlySet<string> | undefined;
  /** A longer text is cut. This is longer than any field may be, so the rest of the text is refused later. */
  readonly maxTextCharacters: number;
  /** An item of more characters, names and values together, is skipped. */
  readonly maxItemCharacters: number;
}

const maxDepth = 128;
const maxListsInLists = 6;
/** Least cost of a value. */
const charactersPerValue = 16;

type Container = Record<string, unknown> | unknown[];

interface Frame {
  /** Undefined for a list, whose items come one by one, and in an item that is skipped. */
  readonly value: Container | undefined;
  readonly list: { readonly spent: number; readonly isSkipped: boolean } | undefined;
  /** Whether it is an object that holds a list. */
  isGroup: boolean;
  /** An index in an array, or a name in an object. */
  key: string | number;
}

/**
 * Cuts JSON text into pieces as it comes: the items of lists, and groups, which are objects that hold lists. Lists are the
 * outermost array, an array in a list, and a field named in `lists` of the outermost object or of an item.
 * The walker holds one item and the fields of the open groups.
 */
export class JsonWalker {
  readonly #options: WalkerOptions;
  readonly #parse = jsonParser({ packValues: false });
  readonly #frames: Frame[] = [];
  #pieces: Piece[] = [];
  #text = '';
  #spent = 0;
  #isSkipped = false;
  /** The outermost object or array, as far as it was read, unless it is a list. */
  root: unknown;
  /** Whether the document has ended. */
  isComplete = false;

  constructor(options: WalkerOptions) {
    this.#options = options;
  }

  /** The current place in the document. */
  get path(): Path {
    return this.#frames.map(({ key }) => key);
  }

  /** @throws Error when the text is not JSON; AppError when it is nested too deeply. */
  push(text: string): readonly Piece[] {
    const parsed = this.#parse(text);
    if (typeof parsed === 'object' && parsed !== null && 'values' in parsed) {
      for (const token of parsed.values) this.#take(token);
    }
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #take(token: Token): void {
    const { name } = token;
    if (name === 'stringChunk' || name === 'numberChunk') this.#addText(token.value);
    else if (name === 'startObject' || name === 'startArray') this.#open(name === 'startArray');
    else if (name === 'endObject' || name === 'endArray') this.#close();
    else if (name === 'startKey' || name === 'startString' || name === 'startNumber') this.#text = '';
    else if (name === 'endKey') this.#setKey();
    else if (name === 'endString') this.#addValue(copyOf(this.#text));
    else if (name === 'endNumber') this.#addValue(numberOf(this.#text));
    else if (name === 'trueValue' || name === 'falseValue' || name === 'nullValue') this.#addValue(token.value);
  }

  #addText(chunk: string): void {
    const { maxTextCharacters: max } = this.#options;
    if (this.#text.length >= max) return;
    this.#text += chunk;
    if (this.#text.length > max) this.#text = this.#text.slice(0, max).toWellFormed();
  }

  #setKey(): void {
    const frame = this.#frames.at(-1);
    if (frame !== undefined) frame.key = copyOf(this.#text);
    this.#spend(this.#text.length);
  }

  #spend(characters: number): void {
    this.#spent += characters;
    if (this.#spent > this.#options.maxItemCharacters) this.#isSkipped = true;
  }

  #addValue(value: unknown): void {
    this.#nextPlace();
    this.#spend(charactersPerValue + (typeof value === 'string' ? value.length : 0));
    this.#put(value);
    this.#settle(value);
  }

  #open(isArray: boolean): void {
    if (this.#frames.length >= maxDepth) {
      throw new AppError('invalid_request', `The document is nested deeper than ${maxDepth} levels.`);
    }
    this.#nextPlace();
    const isList = this.#isListHere(isArray);
    if (isList) this.#beginGroup();
    this.#spend(charactersPerValue);
    const value = isList || this.#isSkipped ? undefined : newContainer(isArray);
    const list = isList ? { spent: this.#spent, isSkipped: this.#isSkipped } : undefined;
    this.root ??= value;
    if (value !== undefined) this.#put(value);
    this.#frames.push({ value, list, isGroup: false, key: isArray ? -1 : '' });
    if (isList) this.#startItem();
  }

  #close(): void {
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    if (frame.isGroup) {
      this.#pieces.push({ kind: 'end', path: this.path, fields: fieldsOf(frame) });
      this.#startItem();
    } else if (frame.list !== undefined) {
      this.#spent = frame.list.spent;
      this.#isSkipped = frame.list.isSkipped;
    } else {
      this.#settle(frame.value);
    }
    this.isComplete = this.#frames.length === 0;
  }

  #nextPlace(): void {
    const frame = this.#frames.at(-1);
    if (typeof frame?.key === 'number') frame.key += 1;
  }

  #isListHere(isArray: boolean): boolean {
    const { lists } = this.#options;
    const [above, parent] = [this.#frames.at(-2), this.#frames.at(-1)];
    if (lists === undefined || this.#frames.filter(({ list }) => list !== undefined).length >= maxListsInLists) {
      return false;
    }
    if (parent === undefined || parent.list !== undefined) return isArray;
    const isNamed = typeof parent.key === 'string' && lists.has(parent.key);
    return isNamed && (above === undefined || above.list !== undefined);
  }

  #beginGroup(): void {
    const parent = this.#frames.at(-1);
    if (parent === undefined || parent.list !== undefined || parent.isGroup) return;
    parent.isGroup = true;
    this.#pieces.push({ kind: 'begin', path: this.path.slice(0, -1), fields: fieldsOf(parent) });
  }

  #startItem(): void {
    this.#spent = 0;
    this.#isSkipped = false;
  }

  /** Puts a value into the container that is open. */
  #put(value: unknown): void {
    const parent = this.#frames.at(-1);
    if (parent?.value === undefined || this.#isSkipped) return;
    if (Array.isArray(parent.value)) parent.value.push(value);
    else parent.value[String(parent.key)] = value;
  }

  /** Emits a complete value when it is an item. */
  #settle(value: unknown): void {
    const parent = this.#frames.at(-1);
    if (parent !== undefined && parent.list === undefined) return;
    this.#pieces.push({ kind: 'item', path: this.path, value: this.#isSkipped ? tooLarge : value });
    this.#startItem();
    if (parent === undefined) this.isComplete = true;
  }
}

// V8 keeps shorter parts of a text by themselves.
const fewestShared = 13;

/** A text of its own: part of another one, it would keep all of that in memory, 64 kB of input for a name. */
function copyOf(text: string): string {
  return text.length < fewestShared ? text : ` ${text}`.slice(1);
}

function newContainer(isArray: boolean): Container {
  if (isArray) return [];
  // Without a prototype `__proto__` is a name like any other.
  return { __proto__: null };
}

function fieldsOf({ value }: Frame): Readonly<Record<string, unknown>> {
  return value === undefined || Array.isArray(value) ? {} : value;
}

/** An integer that a double cannot hold stays a text: it may be an id. */
function numberOf(text: string): number | string {
  const value = Number(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}
