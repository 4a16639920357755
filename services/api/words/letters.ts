// A text that grows when it is normalised is cut here. A tsvector rarely holds more words than that.
const maxGrownCharacters = 2 ** 17;
// Soft hyphens, characters without width, marks of direction, variation selectors, and the stroke that stretches Arabic.
const ignorable = /[\p{Cf}\u0640]|\u034f|\p{Variation_Selector}/gu;

const otherDigit = /[\p{Nd}--[0-9]]/gv;
const digitPattern = /^\p{Nd}$/u;

// No language has as many on one letter (UAX #15, section 13).
const manyMarks = /(\p{M}{30})\p{M}+/gu;

/** A text with the first 30 marks of each letter: ordering the marks of a letter takes quadratic time. */
export function withFewMarks(text: string): string {
  return text.replaceAll(manyMarks, '$1');
}

/** A text in compatibility forms (UAX #15, NFKC), without invisible characters, and with at most 30 marks on a letter. */
export function normalise(text: string): string {
  const whole = withFewMarks(text).normalize('NFKC').slice(0, Math.max(text.length, maxGrownCharacters));
  // Removing invisible characters brings marks together.
  const visible = withFewMarks(whole.replaceAll(ignorable, ''));
  return visible.replaceAll(otherDigit, (digit) => `${valueOf(digit)}`);
}

/** Of a digit of any script: those of one stand side by side, from 0 to 9. */
function valueOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && digitPattern.test(String.fromCodePoint(code - value - 1))) value += 1;
  return value;
}

// Letters that NFD does not decompose, and letters with several spellings.
const alike = new Map(
  Object.entries({
    ß: 'ss',
    æ: 'ae',
    œ: 'oe',
    ø: 'o',
    ł: 'l',
    đ: 'd',
    ð: 'd',
    þ: 'th',
    ħ: 'h',
    ı: 'i',
    ŧ: 't',
    ς: 'σ',
    ё: 'е',
    أ: 'ا',
    إ: 'ا',
    آ: 'ا',
    ٱ: 'ا',
    ى: 'ي',
    ی: 'ي',
    ک: 'ك',
    ة: 'ه',
  }),
);
const alikeLetters = new RegExp(`[${[...alike.keys()].join('')}]`, 'g');
const latinOrGreek = /[\p{sc=Latn}\p{sc=Grek}]/u;
// Vowel signs of Arabic and Hebrew, which most texts leave out.
const vowelSigns = /[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]/g;

/** A word in lower case, without accents if it is Latin or Greek. In other scripts a mark may be a letter, or a stem may depend on it. */
export function fold(word: string): string {
  const bare = latinOrGreek.test(word) ? word.normalize('NFD').replaceAll(/[\u0300-\u036f]/g, '') : word;
  return bare.replaceAll(vowelSigns, '').replaceAll(alikeLetters, (letter) => alike.get(letter) ?? letter);
}
