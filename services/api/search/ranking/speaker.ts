/** The words of a text, in lower case and without what surrounds them; compatibility forms are one (UAX #15, NFKC). */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}

/** Whether one of the words is of the speaker's name: by a first name alone people are asked about, too. */
export function isNamed(speaker: string | undefined, words: ReadonlySet<string>): boolean {
  return speaker !== undefined && wordsOf(speaker).some((word) => word.length > 1 && words.has(word));
}
