import type { SplitOptions } from './embedder.ts';
import { normalisedLength } from './token-estimate.ts';

/** Passages of one part of a text, and the place where the next part begins. */
export interface SplitPart {
  readonly passages: readonly string[];
  readonly end: number;
}

export type Split = (text: string, options?: SplitOptions) => Promise<readonly string[]>;

/** Part of a text that is cut in one step. */
export interface TextPart {
  readonly end: number;
  /** Characters after normalisation: what cutting it costs. */
  readonly characters: number;
}

/** What a tokenizer goes through in some 60 ms, so that no thread is held for longer. */
const charactersPerPart = 8192;
/** A part holds a few passages of four characters a token, up to this many: a long window must not make them short. */
const maxCharactersPerPart = 32_768;
/** Steps in which a text is normalised: bounds what a look at one costs. */
const charactersPerStep = 512;
/** A cut is looked for in this many characters before the limit. */
const charactersToLookBack = 1024;

/** Largest part of a text for a model with this window, in normalised characters. */
export function partLimit(maxTokens: number): number {
  return Math.min(Math.max(charactersPerPart, maxTokens * 12), maxCharactersPerPart);
}

/**
 * The part of a text that begins at `from`: up to `limit` characters after normalisation, the rest of the text if it
 * has no more. Cut after a line, a sentence or a word where there is one, and never inside a surrogate pair.
 */
export function nextPart(text: string, from: number, limit: number): TextPart {
  let characters = 0;
  let end = from;
  while (end < text.length) {
    const step = Math.min(text.length, end + charactersPerStep);
    const more = normalisedLength(text.slice(end, step));
    if (characters + more > limit && end > from) break;
    characters += more;
    end = step;
  }
  return { end: end === text.length ? end : cutBefore(text, end, from), characters };
}

function cutBefore(text: string, end: number, from: number): number {
  const start = Math.max(from + 1, end - charactersToLookBack);
  const tail = text.slice(start, end);
  const line = tail.lastIndexOf('\n');
  if (line !== -1) return start + line + 1;
  for (const mark of ['. ', '! ', '? ', '。', '！', '？', ' ']) {
    const found = tail.lastIndexOf(mark);
    if (found !== -1) return start + found + mark.length;
  }
  let at = end;
  while (at > start && joinsWhatIsBefore(text, at)) at -= 1;
  return at > start ? at : withoutHalfPair(text, end);
}

/** Combining marks, joiners and the second unit of a pair belong to the character before them. */
function joinsWhatIsBefore(text: string, at: number): boolean {
  return /^[\p{M}\u200d\udc00-\udfff]/v.test(text.charAt(at)) || text.charAt(at - 1) === '\u200d';
}

function withoutHalfPair(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff && at > 1 ? at - 1 : at;
}

/**
 * Cuts the part of a text that begins at `from` into passages. The last passage of a part goes on in the next one, so
 * that passages are as long as those of a text that is cut at once.
 *
 * @param split is given a part at a time.
 * @throws what `split` throws.
 */
export async function splitPart(
  split: Split,
  text: string,
  { from, limit, options }: { readonly from: number; readonly limit: number; readonly options?: SplitOptions },
): Promise<SplitPart> {
  const { end } = nextPart(text, from, limit);
  const part = text.slice(from, end);
  const passages = await split(part, options);
  const carried = end === text.length || passages.length < 2 ? 0 : lengthToCarry(part, passages.at(-1) ?? '');
  if (carried === 0) return { passages, end };
  return { passages: passages.slice(0, -1), end: end - carried };
}

/** Not more than half of a part, so that each part gets on. */
function lengthToCarry(part: string, last: string): number {
  const kept = part.trimEnd();
  const length = last.length + part.length - kept.length;
  return kept.endsWith(last) && length * 2 <= part.length ? length : 0;
}

/** All passages of a text, cut part by part: between two parts others get their turn. */
export async function splitInParts(
  split: Split,
  text: string,
  limit: number,
  options: SplitOptions = {},
): Promise<string[]> {
  const passages: string[] = [];
  for (let from = 0; from < text.length;) {
    options.signal?.throwIfAborted();
    const part = await splitPart(split, text, { from, limit, options });
    for (const passage of part.passages) passages.push(passage);
    from = part.end;
  }
  return passages;
}
