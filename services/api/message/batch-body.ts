import { AppError } from '@memory-layer/shared/errors/app-error';
import { refusalOf } from '../http/json-body.ts';
import { parseJson } from '../http/json-position.ts';
import { invalidRequest, toFieldErrors } from '../http/validation-hook.ts';
import { maxBatchMessages, messageBatchCreateSchema } from './message.schemas.ts';
import type { OnConflict } from './message.ts';
import type { Slicer } from '../http/time-slicer.ts';

export interface BatchBodyOptions {
  /** An item of more bytes is an error of its own. */
  readonly maxItemBytes: number;
  /** Names and values of an item; one of more is an error, too. */
  readonly maxItemParts: number;
  readonly slicer: Slicer;
}

/** A shorter body is parsed in one go, which takes some milliseconds at most. */
const smallCharacters = 262_144;

/** What is sent as a batch. */
export interface BatchBody {
  readonly items: readonly unknown[];
  readonly onConflict: OnConflict;
}

/**
 * The items of a batch, each parsed; or why it cannot be an item. A large body is parsed an item at a time, so that
 * nothing else waits for it; what it is taken for is the same.
 *
 * @throws AppError `malformed_json`; `invalid_request` when it is no batch.
 */
export async function parseBatch(text: string, options: BatchBodyOptions): Promise<BatchBody> {
  if (text.length <= smallCharacters) return envelopeOf(parseJson(text));
  const scanner = new BatchScanner(text);
  while (!(await options.slicer.run(() => scanner.scan()))) continue;
  if (scanner.outline.length > smallCharacters) throw notABatch();
  const { items, onConflict } = envelopeOf(parseOutline(scanner.outline));
  if (scanner.isAbridged) throw notABatch();
  // Of two members of a name the last one counts, but both have to be JSON.
  let last: readonly unknown[] = items;
  for (const ranges of scanner.members) {
    last = await options.slicer.map(ranges, (range) => parseItem(text, range, options));
  }
  return { items: last, onConflict };
}

function notABatch(): AppError {
  return invalidRequest([{ in: 'body', pointer: '', detail: 'has more beside its messages than a batch can have' }]);
}

function envelopeOf(body: unknown): BatchBody {
  const checked = messageBatchCreateSchema.safeParse(body);
  if (!checked.success) throw invalidRequest(toFieldErrors(checked.error, 'body'));
  return { items: checked.data.messages, onConflict: checked.data.on_conflict };
}

/** A position in it says nothing of the body. */
function parseOutline(outline: string): unknown {
  try {
    return JSON.parse(outline);
  } catch (error) {
    throw new AppError('malformed_json', 'The body is not valid JSON.', { cause: error });
  }
}

function parseItem(body: string, { start, end }: Range, { maxItemBytes, maxItemParts }: BatchBodyOptions): unknown {
  const text = body.slice(start, end);
  if (Buffer.byteLength(text) <= maxItemBytes) return refusalOf(text, maxItemParts) ?? parseJson(text, body, start);
  return new AppError('payload_too_large', `The message is larger than ${maxItemBytes} bytes.`);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

const charactersPerScan = 262_144;
const maxValueCharacters = 65_536;
const maxBlanks = 1024;
const code = (character: string) => character.charCodeAt(0);
const [quote, comma, colon, backslash] = [code('"'), code(','), code(':'), code('\\')];
const [openBrace, closeBrace, openBracket, closeBracket] = [code('{'), code('}'), code('['), code(']')];
const [blank, tab, newline, carriageReturn] = [code(' '), code('\t'), code('\n'), code('\r')];

/**
 * Finds the items of the member `messages` of a JSON object. All that is beside them becomes the outline: the same JSON
 * with 0 in place of each item, and with nothing in place of other large values, so that it is short.
 */
class BatchScanner {
  /** The items of each member that is called `messages` and is an array: one more than a batch may have at most. */
  readonly members: Range[][] = [];
  outline = '';
  /** Whether a large value was left out of the outline, that was not an array of messages: nobody knows if it is JSON. */
  isAbridged = false;
  readonly #text: string;
  #position = 0;
  /** Of the text, so far: what follows is copied to the outline or left out. */
  #copied = 0;
  #depth = 0;
  #blanks = 0;
  #stringStart: number | undefined;
  #key: string | undefined;
  /** Whether a member's name and colon are over, and where its value starts once that is seen. */
  #isInValue = false;
  #valueStart: number | undefined;
  #items: Range[] | undefined;
  #itemStart = 0;
  #hasItem = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** @returns whether it came to the end; else it is to be called again. */
  scan(): boolean {
    const text = this.#text;
    const end = Math.min(text.length, this.#position + charactersPerScan);
    while (this.#position < end) {
      if (this.#stringStart === undefined) this.#step(text.charCodeAt(this.#position));
      else this.#skipString(this.#stringStart);
    }
    if (this.#position < text.length) return false;
    this.#copyTo(text.length);
    return true;
  }

  #step(character: number): void {
    const at = this.#position;
    this.#position += 1;
    if (isBlank(character)) {
      this.#passBlank(at);
      return;
    }
    this.#blanks = 0;
    if (this.#depth === 0 && character !== openBrace) {
      this.#leaveRoot(character);
      return;
    }
    if (character === comma) this.#separate(at);
    else if (character === closeBrace || character === closeBracket) this.#close(at);
    else if (character === colon && this.#depth === 1 && !this.#isInValue) this.#isInValue = true;
    else this.#enter(character, at);
  }

  /** Something other than an object, or something after it: which of them says the outline. */
  #leaveRoot(first: number): void {
    if (this.#copied === 0) this.outline = placeholderOf(first);
    else this.outline += '?';
    this.#position = this.#copied = this.#text.length;
  }

  #passBlank(at: number): void {
    if (this.#depth > 1) return;
    this.#blanks += 1;
    if (this.#blanks <= maxBlanks) return;
    this.#copyTo(at);
    this.#copied = at + 1;
  }

  #enter(character: number, at: number): void {
    this.#hasItem = true;
    if (this.#depth === 1 && this.#isInValue) this.#valueStart ??= at;
    if (character === quote) this.#stringStart = at;
    if (character !== openBrace && character !== openBracket) return;
    this.#depth += 1;
    const isMessages = this.#depth === 2 && character === openBracket && this.#key === 'messages';
    if (!isMessages || this.#valueStart !== at) return;
    this.#copyTo(at + 1);
    this.#items = [];
    this.members.push(this.#items);
    [this.#itemStart, this.#hasItem] = [at + 1, false];
  }

  #skipString(start: number): void {
    const end = this.#text.indexOf('"', this.#position);
    this.#position = end === -1 ? this.#text.length : end + 1;
    if (end === -1 || isEscaped(this.#text, end)) return;
    this.#stringStart = undefined;
    if (this.#depth === 1 && !this.#isInValue) this.#key = keyOf(this.#text.slice(start, end + 1));
  }

  #separate(at: number): void {
    if (this.#depth === 1) this.#endMember(at);
    else if (this.#depth === 2 && this.#items !== undefined) {
      this.#endItem(at);
      if (this.#items.length <= maxBatchMessages) this.outline += ',';
      [this.#itemStart, this.#copied] = [at + 1, at + 1];
    }
  }

  #close(at: number): void {
    this.#depth -= 1;
    if (this.#depth === 1 && this.#items !== undefined) {
      this.#endItem(at);
      this.#items = undefined;
    } else if (this.#depth === 0) {
      this.#endMember(at);
      // So that it is known that the object is over.
      this.#copyTo(at + 1);
    }
  }

  #endItem(end: number): void {
    if (this.#hasItem && this.#items !== undefined && this.#items.length <= maxBatchMessages) {
      this.#items.push({ start: this.#itemStart, end });
      this.outline += '0';
    }
    [this.#hasItem, this.#copied] = [false, end];
  }

  #endMember(end: number): void {
    const start = this.#valueStart;
    this.#isInValue = false;
    this.#valueStart = undefined;
    this.#key = undefined;
    if (start === undefined || start < this.#copied || end - start <= maxValueCharacters) return;
    this.isAbridged = true;
    this.#copyTo(start);
    this.outline += placeholderOf(this.#text.charCodeAt(start));
    this.#copied = end;
  }

  /** What would make the outline long is not copied: the body is refused for its length. */
  #copyTo(end: number): void {
    if (this.outline.length <= smallCharacters) this.outline += this.#text.slice(this.#copied, end);
    this.#copied = end;
  }
}

function isBlank(character: number): boolean {
  return character === blank || character === newline || character === tab || character === carriageReturn;
}

function placeholderOf(first: number): string {
  if (first === openBrace) return '{}';
  if (first === openBracket) return '[]';
  return first === quote ? '""' : '0';
}

/** Whether the quote at this place comes after an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text.charCodeAt(start - 1) === backslash) start -= 1;
  return (at - start) % 2 === 1;
}

function keyOf(literal: string): string | undefined {
  try {
    const key: unknown = JSON.parse(literal);
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}
