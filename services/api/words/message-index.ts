import type { Role } from '@memory-layer/shared/db/schema';
import { maxSpeakerCharacters } from '@memory-layer/shared/message/speaker';
import { hasAtMost } from '../http/field.schemas.ts';
import { instructionTerm, isInstruction } from './instruction.ts';
import { readProse, readWords, type TextWords } from './text-words.ts';

/** Separates the items of a list that is sent to the database as one text. No word contains this character. */
export const itemDelimiter = '\u0001';

/**
 * Version of the rules by which words are read. It is part of the name of a search language: after a change the
 * reindexer reads the words of existing messages again.
 */
export const wordsVersion = 3;

/** The arguments of the database's `index_words`. {@link itemDelimiter} separates the items of lists. */
export interface MessageIndex {
  /** Null where the database's parser finds the same words in the content. */
  readonly words: string | null;
  readonly parts: string | null;
  readonly exact: string | null;
  readonly names: string | null;
  /** The words as passages; null when one tsvector has positions for all of them. */
  readonly passages: string | null;
}

// A tsvector has positions up to 16 383, and at most 256 of them for a word.
const maxPositions = 16_000;
const maxPositionsOfWord = 200;
const fewWords = 2000;
const shortWord = /^[a-z]{1,3}$/;
// No word can have more positions than this in a passage.
const passageWords = 256;
// Passages overlap by the longest phrase, so that each phrase is whole in one of them.
const overlapWords = 64;

/** What of a message its index is made from. */
export interface IndexedMessage {
  readonly role: Role;
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The index of a message: the words of its content and of its speaker, and whether a user's message is an instruction. */
export function indexMessage({ role, content, metadata }: IndexedMessage): MessageIndex {
  const prose = readProse(content, fewWords);
  const words = prose === undefined ? readWords(content) : { ...prose, words: undefined };
  // Replies are full of advice that has the form of one.
  const isMarked = role !== 'assistant' && role !== 'tool' && isInstruction(content);
  const read = isMarked ? { ...words, exact: [...words.exact, instructionTerm] } : words;
  const speaker = speakerIn(metadata);
  if (speaker === undefined) return toIndex(read);
  const spokenBy = readWords(speaker);
  const names = spokenBy.words.flatMap((word) => [toName(word), speakerName(word)]);
  return toIndex({
    words: read.words,
    // The speaker comes first, since only the first items are indexed when a tsvector is full.
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
      words !== undefined && words.length > fewWords && exceedsPositions(words) ? toList(passagesOf(words)) : null,
  };
}

function toList(items: readonly string[]): string | null {
  return items.length === 0 ? null : items.join(itemDelimiter);
}

function exceedsPositions(words: readonly string[]): boolean {
  if (words.length > maxPositions) return true;
  const counts = new Map<string, number>();
  for (const word of words) {
    const count = (counts.get(word) ?? 0) + 1;
    // Most words of three letters are stop words, which have no positions.
    if (count > maxPositionsOfWord && !shortWord.test(word)) return true;
    counts.set(word, count);
  }
  return false;
}

function passagesOf(words: readonly string[]): string[] {
  const passages: string[] = [];
  for (let at = 0; at < words.length; at += passageWords - overlapWords) {
    passages.push(words.slice(at, at + passageWords).join(' '));
  }
  return passages;
}

/** The term under which a stop word is indexed when it is a name. */
export function toName(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}

/** The same for the name of a speaker. */
export function speakerName(word: string): string {
  return `@${toName(word)}`;
}

/** The term as a tsquery of its own. */
export function quoteTerm(term: string): string {
  return `'${term.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
