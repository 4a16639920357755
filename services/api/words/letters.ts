// A text that grows as it is normalised is read so far: a tsvector holds no more words than that, as a rule.
const maxGrownCharacters = 2 ** 17;
// Soft hyphens, characters without width, marks of direction, variation selectors, and the stroke that stretches Arabic.
const ignorable = /[\p{Cf}\u0640]|\u034f|\p{Variation_Selector}/gu;

// As many as no language has on one letter (UAX #15, section 13).
const manyMarks = /(\p{M}{30})\p{M}+/gu;

/** A text with the first marks of each letter: to put the marks of one in order takes the square of their number. */
export function withFewMarks(text: string): string {
  return text.replaceAll(manyMarks, '$1');
}

/** A text in compatibility forms (UAX #15, NFKC), without what is not seen and without more than thirty marks on a letter. */
export function normalise(text: string): string {
  const whole = withFewMarks(text).normalize('NFKC').slice(0, Math.max(text.length, maxGrownCharacters));
  // Marks stand side by side where what stood between them is not seen.
  return withFewMarks(whole.replaceAll(ignorable, ''));
}

// Letters that are no other letter with a mark on it, and letters that are written in several ways.
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
// Vowels and signs of Arabic and Hebrew, which most texts leave out.
const vowelSigns = /[\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]/g;

/** A word in lower case without accents. In other scripts marks are letters, or stems depend on them. */
export function fold(word: string): string {
  const bare = latinOrGreek.test(word) ? word.normalize('NFD').replaceAll(/[\u0300-\u036f]/g, '') : word;
  return bare.replaceAll(vowelSigns, '').replaceAll(alikeLetters, (letter) => alike.get(letter) ?? letter);
}
