/** Longest run that is divided as one. */
export const maxSegmented = 1000;

// Made when a text needs it: it loads dictionaries.
let segmenter: Intl.Segmenter | undefined;

/**
 * Divides runs of scripts without spaces into words. Many runs are divided at a time: to begin takes a segmenter as long
 * as many words do.
 *
 * @param places of the runs among the words, ascending
 * @returns the words, with those of each run in its place
 */
export function divideRuns(words: readonly string[], places: readonly number[]): string[] {
  segmenter ??= new Intl.Segmenter('th', { granularity: 'word' });
  const divided: string[] = [];
  let at = 0;
  for (let from = 0; from < places.length;) {
    let together = '';
    // A line feed is a segment of its own, and in no run.
    for (let to = from; to < places.length && together.length < maxSegmented; to += 1) {
      together += `${words[places[to] ?? 0]}\n`;
    }
    for (const { segment } of segmenter.segment(together)) {
      const next = places[from] ?? words.length;
      while (at < next) divided.push(words[at++] ?? '');
      if (segment !== '\n') {
        divided.push(segment);
        continue;
      }
      at += 1;
      from += 1;
    }
  }
  return [...divided, ...words.slice(at)];
}
