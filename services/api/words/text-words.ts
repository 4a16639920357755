import { divideRuns, maxSegmented } from './divide-runs.ts';
import { fold, normalise } from './letters.ts';

/** The words of a text. The same function reads messages for the index and queries for a search. */
export interface TextWords {
  /** In their order, in lower case, without accents. The index stems them, and phrases consist of them. */
  readonly words: readonly string[];
  /** Stemmed too, but without positions: parts of camelCase, and words with their accents. */
  readonly parts: readonly string[];
  /** Not stemmed: whole identifiers, pairs of characters of scripts without spaces, emoji. */
  readonly exact: readonly string[];
  /**
   * Words with a capital within a sentence, and abbreviations (`IT` as `It`). They are indexed if they are stop words of
   * the language.
   */
  readonly names: readonly string[];
}

// A group for each way of writing: words between spaces, Han and kana, Hangul, scripts that need a segmenter, emoji.
const token =
  /([[\p{L}\p{M}\p{N}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]]+)|([\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー]+)|(\p{sc=Hang}+)|([\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]+)|(\p{Extended_Pictographic}\p{Emoji_Modifier}?|\p{RI}\p{RI})/gv;
const notAscii = /[^\0-\x7f]/;

// Characters that join words, the closest first: `server.js` is a whole within `/app/server.js:10`.
const bindings = new Map(
  ["_'’", '.-+,', '/\\', ':@>', '=&?#%~'].flatMap((characters, level) =>
    Array.from(characters, (character) => [character, level] as const),
  ),
);
const maxGap = 3;
// Longer identifiers are found by their parts.
const maxExactCharacters = 256;
// No stop word is longer.
const maxNameCharacters = 16;
// Abbreviations such as IT and WHO. What shouts in capitals has no small letters.
const abbreviation = /^\p{Lu}{2,4}$/u;
const compound = /^\p{L}{1,16}-\p{L}{1,16}$/u;
const smallLetter = /\p{Ll}/u;
const contraction = /['’](?:s|t|m|d|ll|re|ve)$/;

// Characters of prose, in which the database's parser finds the same words. Blanks beyond ASCII depend on its locale.
const plainCharacters = /^[A-Za-z0-9 \t-\r.,!?;:'"()]*$/;
// Punctuation between words without a space, and two points, which are a path.
const boundWords = /[.,!?;:][A-Za-z0-9]|[.,:?']'[A-Za-z0-9]|\.\./;

/** The words of a text, in linear time. */
export function readWords(text: string): TextWords {
  const isAscii = !notAscii.test(text);
  const normal = isAscii ? text : normalise(text);
  const reader = new WordReader(normal);
  return isAscii ? reader.readAscii() : reader.read();
}

/**
 * Parts, exact items and names of plain English prose, in which PostgreSQL's parser finds the same words by itself.
 * Most messages are such prose, and this takes half the time of {@link readWords}.
 *
 * @returns undefined for any other text, and for one of more than `maxWords` words
 */
export function readProse(text: string, maxWords: number): Omit<TextWords, 'words'> | undefined {
  if (!plainCharacters.test(text) || boundWords.test(text)) return undefined;
  return new WordReader(text).readProse(maxWords);
}

/** Words that are joined without a space: `foo_bar.ts:42`. */
interface Chunk {
  readonly starts: number[];
  readonly ends: number[];
  /** How closely each word but the first is bound to the one before it. */
  readonly levels: number[];
}

class WordReader {
  readonly #text: string;
  readonly #words: string[] = [];
  /** Places among the words of what a segmenter has to divide yet. */
  readonly #undivided: number[] = [];
  readonly #parts = new Set<string>();
  readonly #exact = new Set<string>();
  readonly #names = new Set<string>();
  #chunk: Chunk = { starts: [], ends: [], levels: [] };
  /** Found out when it matters. */
  #hasSmallLetters: boolean | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): TextWords {
    const text = this.#text;
    // A copy, since a pattern holds the position where it stopped.
    const tokens = new RegExp(token);
    for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
      const [raw, word, characters, hangul, segments] = match;
      const isFirst = this.#startWord(match.index, tokens.lastIndex);
      if (word !== undefined) this.#addWord(raw, isFirst);
      else if (characters !== undefined) this.#addCharacters(raw);
      else if (hangul !== undefined) this.#addHangul(raw);
      else if (segments !== undefined) this.#addSegments(raw);
      else this.#addEmoji(raw);
    }
    return this.#finish();
  }

  /** The same for ASCII, in a third of the time. */
  readAscii(): TextWords {
    const text = this.#text;
    const lower = text.toLowerCase();
    for (let start = 0; start < text.length; start += 1) {
      const first = kindOf(text.charCodeAt(start));
      if (first === 0) continue;
      let end = start + 1;
      let after = 0;
      for (let kind = kindOf(text.charCodeAt(end)); kind !== 0; kind = kindOf(text.charCodeAt(end))) {
        after |= kind;
        end += 1;
      }
      const isFirst = this.#startWord(start, end);
      this.#words.push(lower.slice(start, end));
      this.#addKinds(start, end, first, after, isFirst);
      start = end;
    }
    return this.#finish();
  }

  readProse(maxWords: number): TextWords | undefined {
    const text = this.#text;
    let count = 0;
    let isFirst = true;
    for (let start = 0; start < text.length; start += 1) {
      const code = text.charCodeAt(start);
      const first = kindOf(code);
      if (first === 0) {
        isFirst ||= endsSentence(code);
        continue;
      }
      let end = start + 1;
      let after = 0;
      for (let kind = kindOf(text.charCodeAt(end)); kind !== 0; kind = kindOf(text.charCodeAt(end))) {
        after |= kind;
        end += 1;
      }
      if (text.charCodeAt(end) === apostrophe && !isContracted(text, end)) return undefined;
      count += 1;
      if (count > maxWords) return undefined;
      if (after !== small || first !== small) this.#addKinds(start, end, first, after, isFirst);
      isFirst = false;
      start = end - 1;
    }
    return this.#finish();
  }

  /** Adds what a word of ASCII letters and digits has beside itself: a name, or parts. */
  #addKinds(start: number, end: number, first: number, after: number, isFirst: boolean): void {
    const raw = this.#text.slice(start, end);
    const kinds = first | after;
    if (first === upper && after === small) {
      if (!isFirst && raw.length <= maxNameCharacters) this.#names.add(raw);
    } else if (kinds === upper) {
      this.#addAbbreviation(raw);
    } else if (kinds !== small && kinds !== digit) {
      this.#addPartsOf(raw, raw.toLowerCase());
    }
  }

  /** @returns whether a sentence may begin with the word. */
  #startWord(start: number, end: number): boolean {
    const { ends } = this.#chunk;
    const before = ends.at(-1);
    const level = before === undefined ? undefined : this.#levelBetween(before, start);
    if (level === undefined) this.#closeChunk();
    else this.#chunk.levels.push(level);
    this.#chunk.starts.push(start);
    this.#chunk.ends.push(end);
    return before === undefined || startsSentence(this.#text, before, start);
  }

  #finish(): TextWords {
    this.#closeChunk();
    if (/\d/.test(this.#text)) this.#addLongNumbers();
    const words = this.#undivided.length === 0 ? this.#words : divideRuns(this.#words, this.#undivided);
    return { words, parts: [...this.#parts], exact: [...this.#exact], names: [...this.#names] };
  }

  /** How closely two words are bound; undefined when they are not. */
  #levelBetween(end: number, start: number): number | undefined {
    const text = this.#text;
    if (start - end > maxGap || text.charCodeAt(end) === 32) return undefined;
    let level = 0;
    for (let at = end; at < start; at += 1) {
      const own = bindings.get(text[at] ?? '');
      if (own === undefined) return undefined;
      level = Math.max(level, own);
    }
    if (text[end] === ',' && !(isDigit(text, end - 1) && isDigit(text, start))) return undefined;
    return level;
  }

  #addWord(raw: string, isFirst: boolean): void {
    const lower = raw.toLowerCase();
    const word = notAscii.test(lower) ? fold(lower) : lower;
    if (word === '') return;
    this.#words.push(word);
    if (word !== lower) this.#parts.add(lower.normalize('NFC'));
    if (/.[\p{Lu}\d]|^\d/u.test(raw)) this.#addPartsOf(raw, word);
    if (!isFirst && raw.length <= maxNameCharacters && /^\p{Lu}\p{Ll}+$/u.test(raw)) this.#names.add(raw);
    this.#addAbbreviation(raw);
  }

  #addAbbreviation(raw: string): void {
    if (!abbreviation.test(raw)) return;
    this.#hasSmallLetters ??= smallLetter.test(this.#text);
    if (this.#hasSmallLetters) this.#names.add(raw.charAt(0) + raw.slice(1).toLowerCase());
  }

  /** The parts of camelCase and of letters beside digits, such as `user`, `name` and `2` in `userName2`. */
  #addPartsOf(raw: string, word: string): void {
    if (/^(?:\d+|[A-Z]+)$/.test(raw)) return;
    // Hashes are often quoted by their first characters.
    if (/^(?=.*\d)[0-9a-f]{8,64}$/.test(word)) {
      this.#exact.add(word.slice(0, 7)).add(word.slice(0, 8));
      return;
    }
    const parts = raw.slice(0, 64).match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{N}+|\p{Lo}+/gu) ?? [];
    if (parts.length < 2 || parts.length > 6) return;
    for (const part of parts) if (part.length > 1 || isDigit(part, 0)) this.#parts.add(fold(part.toLowerCase()));
  }

  /** Each character is a word; each pair of neighbours is an exact item. */
  #addCharacters(run: string): void {
    let before = '';
    for (const character of run) {
      this.#words.push(character);
      if (before !== '') this.#exact.add(before + character);
      before = character;
    }
  }

  /** Particles follow their word without a space, so its first syllable and each pair of syllables are indexed. */
  #addHangul(word: string): void {
    this.#words.push(word);
    const syllables = Array.from(word);
    if (syllables.length < 2) return;
    if (syllables[0] !== undefined) this.#exact.add(syllables[0]);
    for (let at = 1; at < syllables.length; at += 1) this.#exact.add(`${syllables[at - 1]}${syllables[at]}`);
  }

  #addSegments(run: string): void {
    for (let at = 0; at < run.length; at += maxSegmented) {
      this.#undivided.push(this.#words.length);
      this.#words.push(run.slice(at, at + maxSegmented));
    }
  }

  #addEmoji(emoji: string): void {
    this.#exact.add(emoji);
    const plain = emoji.replace(/\p{Emoji_Modifier}$/u, '');
    if (plain !== '') this.#exact.add(plain);
  }

  #closeChunk(): void {
    const { starts, ends, levels } = this.#chunk;
    const [first, last] = [starts[0], ends.at(-1)];
    if (first === undefined || last === undefined) return;
    if (levels.length > 0) this.#addWholes(levels);
    this.#addMarked(first, levels.length === 0 ? last : this.#endOfClosest(), last);
    this.#chunk = { starts: [], ends: [], levels: [] };
  }

  /** Adds each run of words that are bound closer to each other than to their neighbours. */
  #addWholes(levels: readonly number[]): void {
    const { starts, ends } = this.#chunk;
    for (const level of new Set(levels)) {
      let from = 0;
      for (let at = 0; at <= levels.length; at += 1) {
        if ((levels[at] ?? Infinity) <= level) continue;
        if (at > from) this.#addWhole(starts[from] ?? 0, ends[at] ?? 0);
        from = at + 1;
      }
    }
  }

  #addWhole(start: number, end: number): void {
    if (end - start > maxExactCharacters) return;
    const whole = this.#text.slice(start, end).toLowerCase();
    if (contraction.test(whole)) return;
    this.#exact.add(whole);
    // Written together as well: email, wifi.
    if (compound.test(whole)) this.#parts.add(fold(whole.replace('-', '')));
    if (/^v\d/.test(whole)) this.#exact.add(whole.slice(1));
    if (/^\d{1,15}(?:[.,]\d{1,15}){1,6}$/.test(whole)) for (const amount of amountsOf(whole)) this.#exact.add(amount);
  }

  /** `@ana`, `#urgent`, `.env`, `C++` and `C#` differ from the words in them. */
  #addMarked(start: number, endOfFirst: number, end: number): void {
    const text = this.#text;
    const mark = text[start - 1] ?? ' ';
    const isMarked = '@#.$'.includes(mark) && /[\s("'[]/.test(text[start - 2] ?? ' ');
    if (isMarked) this.#addWhole(start - 1, endOfFirst);
    const suffix = text[end] === '#' ? 1 : Number(text.startsWith('++', end)) * 2;
    if (suffix > 0 && !/[\p{L}\p{N}]/u.test(text[end + suffix] ?? ' ')) this.#addWhole(start, end + suffix);
  }

  /** The end of the first run of closely bound words of the chunk. */
  #endOfClosest(): number {
    const { ends, levels } = this.#chunk;
    const index = levels.findIndex((level) => level > 1);
    return (index === -1 ? ends.at(-1) : ends[index]) ?? 0;
  }

  /** Telephone numbers, with and without a country code, and account numbers, however their digits are grouped. */
  #addLongNumbers(): void {
    for (const [number] of this.#text.matchAll(longNumber)) {
      const digits = number.replaceAll(/\D/g, '');
      this.#exact.add(digits).add(digits.slice(-9)).add(digits.slice(-10));
    }
    for (const [number] of this.#text.matchAll(accountNumber)) this.#exact.add(number.replaceAll(/\D/g, ''));
  }
}

const small = 1;
const upper = 2;
const digit = 4;

/** The kind of an ASCII letter or digit; 0 for any other character. */
function kindOf(code: number): number {
  if (code >= 97 && code <= 122) return small;
  if (code >= 65 && code <= 90) return upper;
  return code >= 48 && code <= 57 ? digit : 0;
}

const apostrophe = 39;

/** Whether a character between two words of prose ends a sentence. */
function endsSentence(code: number): boolean {
  return (
    code === 10 || code === 33 || code === 34 || code === 40 || code === 46 || code === 58 || code === 59 || code === 63
  );
}

/** Whether an apostrophe is followed by the end of a contraction, or by no word. */
function isContracted(text: string, at: number): boolean {
  const next = kindOf(text.charCodeAt(at + 1));
  return next === 0 || contraction.test(text.slice(at, at + 4).replace(/[^A-Za-z0-9']+.*$/s, ''));
}

const longNumber = /(?<!\d)\d(?:[ ().-]{0,2}\d){7,14}(?!\d)/g;
/** Of a card or a bank account. */
const accountNumber = /(?<!\d)\d(?:[ -]?\d){15,33}(?!\d)/g;

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Whether a sentence may begin between two words. */
function startsSentence(text: string, end: number, start: number): boolean {
  if (start - end === 1 && text.charCodeAt(end) === 32) return false;
  return /[.!?:;"“„«(*\n-]/.test(text.slice(end, start).slice(0, 64));
}

/** The amounts that a number with points and commas can mean: 1.250,00 is 1250.00 and 1250. */
function amountsOf(number: string): string[] {
  const groups = number.split(/[.,]/);
  const marks = number.replaceAll(/\d/g, '');
  const amounts: string[] = [];
  if (isGrouped(groups) && new Set(marks).size === 1) amounts.push(groups.join(''));
  const last = groups.at(-1) ?? '';
  const whole = groups.slice(0, -1);
  const hasOtherPoint = marks.length === 1 || !marks.slice(0, -1).includes(marks.at(-1) ?? '');
  if (hasOtherPoint && isGrouped(whole) && new Set(marks.slice(0, -1)).size <= 1) {
    amounts.push(`${whole.join('')}.${last}`);
    if (/^0+$/.test(last)) amounts.push(whole.join(''));
  }
  return amounts;
}

/** Whether all groups but the first have three digits. */
function isGrouped(groups: readonly string[]): boolean {
  return groups.slice(1).every((group) => group.length === 3);
}
