import { AppError } from '../errors/app-error.ts';

/** A text as messages of errors show it: its place, never its content. */
function place(index: number, count: number): string {
  return count === 1 ? 'The text' : `Text ${index} of ${count}`;
}

/**
 * A blank text has no meaning to embed (mean pooling over nothing gives NaN), so it is refused before inference.
 *
 * @throws AppError `embedding_rejected` naming the first blank text by its place.
 */
export function assertTexts(texts: readonly string[]): void {
  const blank = texts.findIndex((text) => text.trim() === '');
  if (blank === -1) return;
  throw new AppError('embedding_rejected', `${place(blank, texts.length)} is blank: nothing to embed.`);
}
