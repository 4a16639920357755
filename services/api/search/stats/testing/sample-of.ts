import { delimiters, type MessageSample } from '../term-statistics.ts';

/** A sample of messages that have these words each; all of the tenant's, unless it has more. */
export function sampleOf(words: readonly (readonly string[])[], messages = words.length): MessageSample {
  const { word, message } = delimiters;
  const text = words.map((ofOne) => `${message}${word}${ofOne.join(word)}${word}`).join('');
  return { messages, sampled: words.length, words: words.reduce((sum, ofOne) => sum + ofOne.length, 0), text };
}
