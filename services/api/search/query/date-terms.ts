/** A part of a date that a query names, and how much a message of such a date counts by it. */
export interface DateTerm {
  readonly part: 'year' | 'month' | 'day';
  /** As in a calendar: months from 1. */
  readonly value: number;
  /** Inverse frequency, as of a word. */
  readonly weight: number;
}

// As rare as dates are that are spread evenly: one in twelve has the month, one in thirty the day. Chats rarely go back
// more than a few years.
const weights = { year: Math.log(3), month: Math.log(12), day: Math.log(30) } as const;

// A calendar names more, and every candidate is compared with each.
const maxDates = 16;

// Languages that PostgreSQL comes with a text search configuration for.
const knownLocales = 'ar ca da nl en et fi fr de el hi hu hy id it lt ne no pt ro ru sr es sv ta tr yi eu ga'.split(
  ' ',
);

/** The locale of a text search configuration that is named after its language, such as `german`; else none. */
export function localesOf(searchLanguage: string): string[] {
  const names = new Intl.DisplayNames('en', { type: 'language' });
  return knownLocales.filter((locale) => names.of(locale)?.toLowerCase() === searchLanguage.toLowerCase());
}

/** The months' names in the languages given, by locale (BCP 47), in lower case. */
function monthNames(locales: readonly string[]): ReadonlyMap<string, number> {
  const names = locales.flatMap((locale) =>
    (['long', 'short'] as const).flatMap((month) => {
      const format = new Intl.DateTimeFormat(locale, { month, day: 'numeric', timeZone: 'UTC' });
      return Array.from({ length: 12 }, (_, index) => {
        const parts = format.formatToParts(Date.UTC(2024, index, 1));
        const name = parts.find(({ type }) => type === 'month')?.value ?? '';
        return [name.toLowerCase().replace(/\.$/, ''), index + 1] as const;
      });
    }),
  );
  return new Map(names.filter(([name]) => /^\p{L}{3,}$/u.test(name)));
}

/** A name that is another word too, such as May, counts with a capital within a sentence, or beside a number. */
function isMonth(words: readonly string[], index: number): boolean {
  const word = words[index] ?? '';
  const besideNumber = [words[index - 1], words[index + 1]].some((beside) => /^\d/.test(beside ?? ''));
  return besideNumber || (index > 0 && /^\p{Lu}/u.test(word));
}

/** Finds the dates in queries, 16 parts of them at most. Months are known by their names in English and in the languages of `locales`. */
export function createDateReader(locales: readonly string[]) {
  const months = monthNames(['en', ...locales]);

  return (text: string): DateTerm[] => {
    const words = text.match(/\p{L}+|\d+/gu) ?? [];
    const named = words.flatMap((word, index) => {
      const value = months.get(word.toLowerCase());
      return value !== undefined && isMonth(words, index) ? [{ part: 'month' as const, value }] : [];
    });
    const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
    const years = numbers
      .filter((value) => value >= 1970 && value < 2100)
      .map((value) => ({ part: 'year' as const, value }));
    // A number alone is a number; beside a month it is a day.
    const days = named.length === 0 ? [] : numbers.filter((value) => value >= 1 && value <= 31);
    const found = [...years, ...named, ...days.map((value) => ({ part: 'day' as const, value }))];
    const unique = new Map(found.map((term) => [`${term.part} ${term.value}`, term]));
    return [...unique.values()].slice(0, maxDates).map((term) => ({ ...term, weight: weights[term.part] }));
  };
}

export type DateReader = ReturnType<typeof createDateReader>;

/** Whether a message was said then, in UTC. */
export function matchesDate({ part, value }: DateTerm, createdAt: Date): boolean {
  if (part === 'year') return createdAt.getUTCFullYear() === value;
  return (part === 'month' ? createdAt.getUTCMonth() + 1 : createdAt.getUTCDate()) === value;
}
