import { readFile } from 'node:fs/promises';
import { parseLocomo } from '../retrieval/locomo.ts';

const openings = ['Hey', 'Wow', 'Honestly', 'By the way', 'You know what', 'Oh no', 'That sounds great', 'So'];
const subjects = ['my sister', 'the neighbour', 'our old teacher', 'the dog', 'my boss', 'a friend from Porto', 'I'];
const verbs = ['finally booked', 'almost forgot', 'was talking about', 'really liked', 'had to cancel', 'painted'];
const objects = [
  'the trip to the coast',
  'that camping weekend',
  'the piano lesson',
  'a birthday cake',
  'the new flat',
];
const endings = [
  'and it took the whole afternoon.',
  "but I'm not sure it was worth it!",
  'What do you think?',
  'Let me know when you are free, maybe next Friday or the week after?',
];

const pick = (from: readonly string[], seed: number): string => from[Math.abs(seed) % from.length] ?? '';

/** A turn of one to four sentences, a different one for every number. */
function inventedTurn(n: number): string {
  const sentences = Array.from({ length: 1 + ((n * 7) % 4) }, (_, part) => {
    const seed = n * 31 + part * 17;
    const words = [pick(openings, seed), pick(subjects, seed >> 1), pick(verbs, seed >> 2), pick(objects, seed >> 3)];
    return `${words.join(' ')} ${pick(endings, seed >> 4)}`;
  });
  return `${sentences.join(' ')} (${n})`;
}

/** The same words in another order: as many tokens, but no text that a cache knows. */
function rotated(text: string, by: number): string {
  const words = text.split(/\s+/);
  return [...words.slice(by % words.length), ...words.slice(0, by % words.length)].join(' ');
}

/**
 * Chat turns, each different: those of a file in the format of LoCoMo, taken again with their words in another order
 * when there are too few; without a file, invented ones.
 */
export async function chatTurns(count: number, file: string | undefined): Promise<string[]> {
  const turns = file === undefined ? [] : await turnsOf(file);
  const distinct = new Set(turns);
  for (let round = 1; round < 40 && turns.length > 0 && distinct.size < count; round += 1) {
    for (const turn of turns) distinct.add(rotated(turn, round));
  }
  for (let n = 0; distinct.size < count; n += 1) distinct.add(inventedTurn(n));
  return [...distinct].slice(0, count);
}

async function turnsOf(file: string): Promise<string[]> {
  const chats = parseLocomo(JSON.parse(await readFile(file, 'utf8')));
  return chats.flatMap((chat) => chat.turns.map((turn) => turn.text)).filter((text) => text !== '');
}
