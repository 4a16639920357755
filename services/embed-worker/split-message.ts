import type { Embedder, SplitOptions } from '@memory-layer/shared/embedding/embedder';
import { splitPart, type SplitPart } from '@memory-layer/shared/embedding/split-part';
import { estimateTokens } from '@memory-layer/shared/embedding/token-estimate';
import type { LeasedMessage } from './lease.ts';

/** Part of the model's window that the name of a speaker may take in every passage. */
const speakerShare = 1 / 4;

/**
 * What the model is given of a message, with the speaker before it as in a transcript, since people ask for what
 * somebody said. What is stored stays as it was sent.
 */
export function spokenText({ content, speaker }: Pick<LeasedMessage, 'content' | 'speaker'>): string {
  return speaker === undefined || speaker.trim() === '' ? content : `${speaker}: ${content}`;
}

/**
 * The passages of the part of {@link spokenText} that begins at `from`, each with the speaker before it. A name that
 * would take much of the model's window stands before the first passage alone.
 *
 * @throws AppError as {@link Embedder.split} does.
 */
export async function splitMessage(
  message: Pick<LeasedMessage, 'content' | 'speaker'>,
  embedder: Pick<Embedder, 'split' | 'maxTokens'>,
  { from, limit, options }: { readonly from: number; readonly limit: number; readonly options?: SplitOptions },
): Promise<SplitPart> {
  const split = (text: string): Promise<string[]> => embedder.split(text, options);
  const text = spokenText(message);
  const part = await splitPart(split, text, { from, limit });
  const prefix = text.slice(0, text.length - message.content.length);
  const isShort = prefix !== '' && estimateTokens(prefix) <= embedder.maxTokens * speakerShare;
  if (!isShort) return part;
  const unnamed = from === 0 ? part.passages.slice(1) : part.passages;
  // With the name a passage may no longer fit; then its end becomes one more.
  const named = await Promise.all(unnamed.map((passage) => split(prefix + passage)));
  return {
    passages: [...part.passages.slice(0, part.passages.length - unnamed.length), ...named.flat()],
    end: part.end,
  };
}
