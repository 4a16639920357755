import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import type { LeasedMessage } from './lease-statement.ts';

/**
 * What the model is given of a message: its passages, each with the speaker before it as in a transcript, since people
 * ask for what somebody said. What is stored stays as it was sent.
 *
 * @throws AppError as {@link Embedder.split} does.
 */
export async function splitMessage(
  { content, speaker }: Pick<LeasedMessage, 'content' | 'speaker'>,
  embedder: Pick<Embedder, 'split'>,
): Promise<string[]> {
  if (speaker === undefined || speaker.trim() === '') return embedder.split(content);
  const spoken = (text: string) => embedder.split(`${speaker}: ${text}`);
  const [first, ...others] = await spoken(content);
  if (first === undefined) return [];
  // With the name a passage may no longer fit; then its end becomes one more.
  const rest = await Promise.all(others.map(spoken));
  return [first, ...rest.flat()];
}
