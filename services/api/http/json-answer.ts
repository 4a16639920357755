import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Context, TypedResponse } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { JSONParsed } from 'hono/utils/types';
import { requestLimits } from '../cost/request-cost.ts';
import type { ApiEnv } from './api-env.ts';

/** JSON text, as it is or in UTF-8. */
export type JsonPiece = string | Buffer;

// For what stands around the items of an answer: the longest cursor has 8 046 characters.
const envelopeBytes = 16 * 1024;
// So long may one turn of the event loop serialise.
const turnMs = 5;
// What is smaller stays text, and is encoded in one go with the rest.
const largePieceBytes = 64 * 1024;
const streamedBytes = 1024 * 1024;

/**
 * The bytes that an answer may still have. Its items are serialised one by one, so that an answer ends before the item
 * that does not fit, and so that other requests have their turns meanwhile.
 */
export class AnswerBudget {
  #left: number;
  #isUntouched = true;
  #turnEnd = performance.now() + turnMs;

  constructor(maxBytes: number = requestLimits.answerBytes) {
    this.#left = maxBytes - envelopeBytes;
  }

  /** The item as JSON; undefined when it does not fit. The first is always taken, so that pages go on. */
  async take(item: unknown): Promise<JsonPiece | undefined> {
    const text = JSON.stringify(item);
    const piece = text.length < largePieceBytes ? text : Buffer.from(text);
    const isTaken = this.takeAgain(piece) || this.#isUntouched;
    this.#isUntouched = false;
    if (performance.now() >= this.#turnEnd) {
      await nextTurn();
      this.#turnEnd = performance.now() + turnMs;
    }
    return isTaken ? piece : undefined;
  }

  /** Whether a piece fits that is in the answer already, or might be. */
  takeAgain(piece: JsonPiece): boolean {
    // And the comma after it.
    const bytes = Buffer.byteLength(piece) + 1;
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}

/** The first items, as many as fit, as JSON. */
export async function takeWhileFits<Item>(
  items: readonly Item[],
  toBody: (item: Item) => object,
  budget: AnswerBudget,
): Promise<JsonPiece[]> {
  const pieces: JsonPiece[] = [];
  for (const item of items) {
    const piece = await budget.take(toBody(item));
    if (piece === undefined) break;
    pieces.push(piece);
  }
  return pieces;
}

/** The items, each of one piece or several, with commas between them in brackets. */
export function jsonList(items: readonly (JsonPiece | readonly JsonPiece[])[]): JsonPiece[] {
  return ['[', ...items.flatMap((item, n) => (n === 0 ? item : [',', item].flat())), ']'];
}

/** The object with these members besides its own, which are JSON already. */
export function jsonObject(own: object, members: Readonly<Record<string, readonly JsonPiece[]>>): JsonPiece[] {
  const rest = JSON.stringify(own);
  const parts = Object.entries(members).flatMap(([name, pieces]) => [`${JSON.stringify(name)}:`, ...pieces, ',']);
  return rest === '{}' ? ['{', ...parts.slice(0, -1), '}'] : ['{', ...parts, rest.slice(1)];
}

const jsonHeaders = { 'content-type': 'application/json' };

type JsonAnswer<Body, Status extends ContentfulStatusCode> = Response & TypedResponse<JSONParsed<Body>, Status, 'json'>;

/** Answers with JSON that is made of pieces. @typeParam Body what they are together. */
export function answerJson<Body, Status extends ContentfulStatusCode>(
  c: Context<ApiEnv>,
  pieces: readonly JsonPiece[],
  status: Status,
): JsonAnswer<Body, Status> {
  const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  c.set('answerBytes', bytes);
  const response: unknown =
    bytes < streamedBytes
      ? answerJsonText(c, pieces.join(''), status)
      : c.body(streamOf(pieces), status, { ...jsonHeaders, 'content-length': String(bytes) });
  // The caller says what the pieces are, since text has no type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return response as JsonAnswer<Body, Status>;
}

/**
 * Answers with JSON text. Hono's own ways make a `Headers` object for each answer, which the adapter takes apart again;
 * with a listener all other fields are set on the answer of Node.js.
 */
export function answerJsonText(c: Context<ApiEnv>, text: string, status: ContentfulStatusCode): Response {
  const bindings: Partial<ApiEnv['Bindings']> | undefined = c.env;
  if (bindings?.outgoing === undefined) return c.body(text, status, jsonHeaders);
  return new Response(text, { status, headers: jsonHeaders });
}

/** As the client takes it: what it has taken is not held any longer. */
function streamOf(pieces: readonly JsonPiece[]): ReadableStream<Uint8Array> {
  const left = pieces.toReversed();
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        let text = '';
        let next = left.pop();
        for (; typeof next === 'string'; next = left.pop()) {
          text += next;
          if (text.length >= largePieceBytes) break;
        }
        if (text !== '') controller.enqueue(Buffer.from(text));
        if (next instanceof Buffer) controller.enqueue(next);
        if (left.length === 0) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
