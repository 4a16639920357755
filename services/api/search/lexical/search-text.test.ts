import { describe, expect, test } from 'vitest';
import { parseSearchText } from './search-text.ts';

const plain = (words: string) => ({ words, phrases: [], excluded: [] });

describe('a query', () => {
  test('without quotes and minuses is all words', () => {
    expect(parseSearchText('  where is the well-known key? ')).toEqual(plain('where is the well-known key?'));
  });

  test('has phrases in quotes, whose words are searched for too', () => {
    expect(parseSearchText('the "red car" or “blue  boat”, please')).toEqual({
      words: 'the red car or blue  boat, please',
      phrases: ['red car', 'blue  boat'],
      excluded: [],
    });
  });

  test('excludes words and phrases after a minus', () => {
    expect(parseSearchText('car -boat -"sail ship" -größe')).toEqual({
      words: 'car',
      phrases: [],
      excluded: ['boat', 'sail ship', 'größe'],
    });
  });

  test('may consist of exclusions', () => {
    expect(parseSearchText('-boat')).toEqual({ words: '', phrases: [], excluded: ['boat'] });
  });

  test.each([
    'a "b',
    'b" a',
    '"',
    '""',
    '" "',
    'a "b c',
    '5" and 6" wide',
    'x"y z"',
    '-',
    '- boat',
    '--flag',
    '-5',
    'a-b',
    '-"',
  ])('takes %j as it is', (text) => {
    expect(parseSearchText(text)).toEqual(plain(text));
  });
});
