/** A model's measure of a text. */
export interface TokenMeter {
  /** Tokens that one passage may have. */
  readonly capacity: number;
  count(text: string): number;
}

interface Atom {
  readonly text: string;
  readonly tokens: number;
}

/** Cuts a text into parts that make it up again, each cut finer than the one before it. */
type Cut = (text: string) => string[];

// The locale only picks abbreviation rules; the segmentation itself is that of UAX #29 for all scripts.
const sentenceSegmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
const wordSegmenter = new Intl.Segmenter('en', { granularity: 'word' });

const segmentsOf =
  (segmenter: Intl.Segmenter): Cut =>
  (text) =>
    Array.from(segmenter.segment(text), ({ segment }) => segment);

const spacedWords: Cut = (text) => text.match(/\s*\S+|\s+$/gu) ?? [];

/** Two halves, never between the two units of a surrogate pair. */
const halves: Cut = (text) => {
  const middle = Math.floor(text.length / 2);
  const code = text.charCodeAt(middle);
  const cutsPair = code >= 0xdc00 && code <= 0xdfff;
  const at = cutsPair ? middle - 1 : middle;
  // A lone pair cannot be cut: it stays as it is.
  return at <= 0 ? [text] : [text.slice(0, at), text.slice(at)];
};

// Text between spaces may still be long: Chinese or Japanese have words without spaces, base64 has none at all.
const cuts: readonly Cut[] = [segmentsOf(sentenceSegmenter), spacedWords, segmentsOf(wordSegmenter), halves];

const longestTokenChars = 16;

/** A text with more characters per token than this is cut without being measured: it hardly ever fits. */
export function mayFit(text: string, capacity: number): boolean {
  return text.length <= capacity * longestTokenChars;
}

function fits(text: string, meter: TokenMeter): number | undefined {
  if (!mayFit(text, meter.capacity)) return undefined;
  const tokens = meter.count(text.trim());
  return tokens <= meter.capacity ? tokens : undefined;
}

/** Parts that fit, as large as the cuts give them. */
function atomsOf(text: string, meter: TokenMeter, level = 0): Atom[] {
  const tokens = fits(text, meter);
  if (tokens !== undefined) return [{ text, tokens }];
  const cut = cuts[Math.min(level, cuts.length - 1)] ?? halves;
  const parts = cut(text);
  // One character that alone exceeds the capacity: nothing is left to cut.
  if (parts.length === 1 && level >= cuts.length - 1) return [{ text, tokens: meter.capacity }];
  return parts.flatMap((part) => atomsOf(part, meter, level + 1));
}

/**
 * Cuts a text into passages that each fit the meter's capacity: between sentences, else between words, else anywhere
 * but inside a character. As few passages as the cuts allow; together they hold all of the text but the white
 * space between them.
 *
 * @returns no passage for a blank text, else at least one.
 */
export function splitIntoPassages(text: string, meter: TokenMeter): string[] {
  const atoms = atomsOf(text, meter);
  const join = (from: number, to: number): string =>
    atoms
      .slice(from, to)
      .map((atom) => atom.text)
      .join('')
      .trim();
  // Joined text may be cut into other tokens than its parts, rarely into more. The more it has, the more goes: one atom
  // at a time, each step a count of all the rest, would take the square of the length.
  const shrinkToFit = (from: number, upTo: number): number => {
    let to = upTo;
    while (to - from > 1) {
      const tokens = meter.count(join(from, to));
      if (tokens <= meter.capacity) break;
      to -= Math.max(1, Math.floor((to - from) * (1 - meter.capacity / tokens)));
    }
    return to;
  };
  const passages: string[] = [];
  let from = 0;
  while (from < atoms.length) {
    let to = from;
    let tokens = 0;
    do {
      tokens += atoms[to]?.tokens ?? 0;
      to += 1;
    } while (to < atoms.length && tokens + (atoms[to]?.tokens ?? 0) <= meter.capacity);
    to = shrinkToFit(from, to);
    passages.push(join(from, to));
    from = to;
  }
  return passages.filter((passage) => passage !== '');
}

/**
 * Whether a text has so few characters that it fits whatever they are, so that it need not be measured: an ASCII
 * character is at most one token (plus one for a word marker in front), any other at most 33 (NFKC makes up to 11
 * times as many UTF-8 bytes of a character's 3, and byte-level tokenizers give each byte a token).
 *
 * Source of the factor: https://www.unicode.org/faq/normalization.html
 */
export function surelyFits(text: string, capacity: number): boolean {
  if (text.length + 1 > capacity) return false;
  // eslint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/u.test(text) || text.length * 33 + 1 <= capacity;
}
