import { describe, expect, test } from 'vitest';
import { parseSearchText } from './search-text.ts';

const plain = (words: string) => ({ words, phrases: [], required: [], excluded: [] });

describe('a query', () => {
  test('without quotes and minuses is all words', () => {
    expect(parseSearchText('  where is the well-known key? ')).toEqual(plain('where is the well-known key?'));
  });

  test('has phrases in quotes, whose words are searched for too', () => {
    expect(parseSearchText('the "red car" or “blue  boat”, please')).toEqual({
      words: 'the red car or blue  boat, please',
      phrases: ['red car', 'blue  boat'],
      required: [],
      excluded: [],
    });
  });

  test('requires a phrase after a plus, whatever is beside it', () => {
    expect(parseSearchText('the +"red car" or +“blue boat” "at sea"')).toEqual({
      words: 'the red car or blue boat at sea',
      phrases: ['at sea'],
      required: ['red car', 'blue boat'],
      excluded: [],
    });
  });

  test('requires no other phrase beside one after a plus', () => {
    expect(parseSearchText('+"red car" "blue boat"')).toMatchObject({ phrases: ['blue boat'], required: ['red car'] });
  });

  test.each([
    ['"red car"', ['red car']],
    ['("red car")', ['red car']],
    ['"red car", "blue boat"!', ['red car', 'blue boat']],
    ['-"green bus" "red car" -bike', ['red car']],
  ])('requires the phrases where there is nothing else to look for: %s', (text, required) => {
    expect(parseSearchText(text)).toMatchObject({ phrases: [], required });
  });

  test('excludes words and phrases after a minus', () => {
    expect(parseSearchText('car -boat -"sail ship" -größe')).toEqual({
      words: 'car',
      phrases: [],
      required: [],
      excluded: ['boat', 'sail ship', 'größe'],
    });
  });

  test('may consist of exclusions', () => {
    expect(parseSearchText('-boat')).toEqual({ words: '', phrases: [], required: [], excluded: ['boat'] });
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
    '+',
    '+"',
    '+1 car',
    '+car',
  ])('takes %j as it is', (text) => {
    expect(parseSearchText(text)).toEqual(plain(text));
  });
});
