import { maxSpeakerCharacters } from '@memory-layer/shared/message/speaker';
import { hasAtMost } from '../http/field.schemas.ts';
import { readProse, readWords, type TextWords } from './text-words.ts';

/** Stands between the items of a list where the database is given one as a text: no word has this character. */
export const itemDelimiter = '\u0001';

/**
 * The way in which words are read: part of the name of what messages are indexed by, so that the words of messages are
 * read again where the way has changed.
 */
export const wordsVersion = 2;

/** What the database's `index_words` makes a tsvector of. Lists have {@link itemDelimiter} between their items. */
export interface MessageIndex {
  /** Null where the database's parser takes the content for the same. */
  readonly words: string | null;
  readonly parts: string | null;
  readonly exact: string | null;
  readonly names: string | null;
  /** The words in passages; null unless some have no place in one tsvector. */
  readonly passages: string | null;
}

// A tsvector has places up to 16 383, and 256 of them for a word.
const mostPlaces = 16_000;
const mostPlacesOfWord = 200;
const fewWords = 2000;
// So none of them has more places in a passage than there are.
const passageWords = 256;
// As many as a phrase may have, so that each stands whole in one of the passages.
const sharedWords = 64;

/** What a message is found by: the words of its content, and who says it. */
export function indexMessage(content: string, metadata: Readonly<Record<string, unknown>>): MessageIndex {
  const prose = readProse(content, fewWords);
  const read = prose === undefined ? readWords(content) : { ...prose, words: undefined };
  const speaker = speakerIn(metadata);
  if (speaker === undefined) return toIndex(read);
  const spokenBy = readWords(speaker);
  const names = spokenBy.words.flatMap((word) => [toName(word), speakerName(word)]);
  return toIndex({
    words: read.words,
    // First, since of more than a tsvector holds the first are indexed.
    parts: [...spokenBy.words, ...spokenBy.parts, ...read.parts],
    exact: [...spokenBy.exact, ...read.exact],
    names: [...names, ...read.names],
  });
}

function speakerIn({ speaker }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof speaker === 'string' && speaker !== '' && hasAtMost(speaker, maxSpeakerCharacters)
    ? speaker
    : undefined;
}

interface ReadText extends Omit<TextWords, 'words'> {
  /** Undefined where the database finds them. */
  readonly words: readonly string[] | undefined;
}

function toIndex({ words, parts, exact, names }: ReadText): MessageIndex {
  return {
    words: words?.join(' ') ?? null,
    parts: toList(parts),
    exact: toList(exact),
    names: toList(names),
    passages:
      words !== undefined && words.length > fewWords && outgrowsPlaces(words) ? toList(passagesOf(words)) : null,
  };
}

function toList(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.join(itemDelimiter);
}

function outgrowsPlaces(words: readonly string[]): boolean {
  if (words.length > mostPlaces) return true;
  const counts = new Map<string, number>();
  for (const word of words) {
    const count = (counts.get(word) ?? 0) + 1;
    // The shortest are stop words, mostly.
    if (count > mostPlacesOfWord && word.length > 3) return true;
    counts.set(word, count);
  }
  return false;
}

function passagesOf(words: readonly string[]): string[] {
  const passages: string[] = [];
  for (let at = 0; at < words.length; at += passageWords - sharedWords) {
    passages.push(words.slice(at, at + passageWords).join(' '));
  }
  return passages;
}

/** A stop word as the index has it where it is a name. */
export function toName(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}

/** The same for one who says a message. */
export function speakerName(word: string): string {
  return `@${toName(word)}`;
}

/** The term as a tsquery of its own. */
export function quoteTerm(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
