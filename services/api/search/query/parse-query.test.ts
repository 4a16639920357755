import { describe, expect, test } from 'vitest';
import { createDateReader } from './date-terms.ts';
import { clauseProblem, parseOperators, parsePlainText, toSearchText, wordsOf } from './parse-query.ts';
import { readWords } from '../../words/text-words.ts';

const plain = (words: string) => ({ words, phrases: [], required: [], excluded: [] });

describe('a query', () => {
  test('without quotes and minuses is all words', () => {
    expect(parseOperators('  where is the well-known key? ')).toEqual(plain('where is the well-known key?'));
  });

  test('has phrases in quotes, whose words are searched for too', () => {
    expect(parseOperators('the "red car" or “blue  boat”, please')).toEqual({
      words: 'the red car or blue  boat, please',
      phrases: ['red car', 'blue  boat'],
      required: [],
      excluded: [],
    });
  });

  test('requires a phrase after a plus, whatever is beside it', () => {
    expect(parseOperators('the +"red car" or +“blue boat” "at sea"')).toEqual({
      words: 'the red car or blue boat at sea',
      phrases: ['at sea'],
      required: ['red car', 'blue boat'],
      excluded: [],
    });
  });

  test('requires no other phrase beside one after a plus', () => {
    expect(parseOperators('+"red car" "blue boat"')).toMatchObject({ phrases: ['blue boat'], required: ['red car'] });
  });

  test.each([
    ['"red car"', ['red car']],
    ['("red car")', ['red car']],
    ['"red car", "blue boat"!', ['red car', 'blue boat']],
    ['-"green bus" "red car" -bike', ['red car']],
  ])('requires the phrases where there is nothing else to look for: %s', (text, required) => {
    expect(parseOperators(text)).toMatchObject({ phrases: [], required });
  });

  test('excludes words and phrases after a minus', () => {
    expect(parseOperators('car -boat -"sail ship" -größe')).toEqual({
      words: 'car',
      phrases: [],
      required: [],
      excluded: ['boat', 'sail ship', 'größe'],
    });
  });

  test('may consist of exclusions', () => {
    expect(parseOperators('-boat')).toEqual({ words: '', phrases: [], required: [], excluded: ['boat'] });
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
    expect(parseOperators(text)).toEqual(plain(text));
  });
});

describe('the clauses of a query', () => {
  const problemOf = (text: string) => clauseProblem(parseOperators(text));
  const repeated = (part: (n: number) => string, count: number) =>
    Array.from({ length: count }, (_, n) => part(n)).join(' ');

  test('are counted together, whatever they do', () => {
    const mixed = (count: number) =>
      `${repeated((n) => ['-a', '"b c"', '+"d e"', '-"f g"'][n % 4] ?? '', count)} words`;
    expect(problemOf(mixed(32))).toBeUndefined();
    expect(problemOf(mixed(33))).toBe('has 33 phrases and words to require, exclude or favour: at most 32 are taken');
    expect(problemOf(repeated(() => '-a', 2500))).toMatch(/^has 2500 /);
  });

  test('are not what is no clause', () => {
    expect(problemOf(repeated(() => '--flag +word -5 5" "', 400))).toBeUndefined();
  });
});

describe('a text', () => {
  test.each([
    'what does kubectl get pods -n prod do?',
    'git commit -m and tar -xzf',
    'shopping:\n-milk\n-eggs',
    'see you -anna',
    '+1 for that',
    '-5 degrees --flag',
  ])('requires and excludes nothing: %j', (text) => {
    expect(parsePlainText(text)).toEqual({ words: text, phrases: [], required: [], excluded: [] });
  });

  test('favours what is in quotes, up to eight times', () => {
    expect(parsePlainText('Who wrote "Becoming" and -"A Promised Land"?')).toMatchObject({ phrases: ['Becoming'] });
    expect(parsePlainText('"a b" '.repeat(20)).phrases).toHaveLength(8);
  });

  test('has the clauses of its request beside it', () => {
    const parts = { query: 'boats -red', must: ['sail boat'], mustNot: ['car'], phrases: ['by the sea'] };
    const clauses = { required: ['sail boat'], phrases: ['by the sea'] };
    expect(toSearchText({ ...parts, syntax: 'text' })).toEqual({ ...clauses, words: 'boats -red', excluded: ['car'] });
    expect(toSearchText({ ...parts, syntax: 'operators' })).toEqual({
      ...clauses,
      words: 'boats',
      excluded: ['car', 'red'],
    });
  });
});

const length = 10_000;
const filled = (part: string) => part.repeat(Math.ceil(length / part.length)).slice(0, length);

describe('a text of 10 000 characters', () => {
  const readDates = createDateReader(['de', 'fr']);
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    'the marks': parseOperators,
    'the quotes': parsePlainText,
    'the words': readWords,
    'the words of names': wordsOf,
    'the dates': readDates,
  };
  const hostile = [
    '"',
    ' "',
    '“',
    ' “a',
    ' "a',
    '-a"',
    ' -a',
    ' -',
    '+"',
    ' +"a" ',
    '("(',
    '("a)',
    ' "a b',
    'a" ',
    '"a  ',
    '\u3000"',
    '-"“',
    ' 5" May',
    'May 1 ',
    '1',
    'a',
    '\u{1F44B}',
    'é',
    '\u0301',
  ];
  const shapes = [
    ...hostile.map((part) => [JSON.stringify(part), filled(part)] as const),
    ['a quote that never closes', ` "${filled('a b ')}`],
    ['a quote and spaces', ` "a${filled(' ')}b`],
    ['quotes that close too late', filled(` "${'a '.repeat(50)}”x`)],
    ['one word after a minus', ` -${filled('a,')}`],
  ] as const;
  const benign = filled('where did my sister move to in the spring and who went there with her? ');

  /** Of many rounds, since the clock is coarse. */
  function cpuOf(read: (text: string) => unknown, text: string): number {
    const rounds = 20;
    const begun = process.threadCpuUsage();
    for (let round = 0; round < rounds; round += 1) read(text);
    const { user, system } = process.threadCpuUsage(begun);
    return (user + system) / rounds;
  }

  test.each(Object.keys(readers))('%s are read in a time that its length bounds, whatever it is', (name) => {
    const read = readers[name] ?? parseOperators;
    cpuOf(read, benign);
    // What backtracks over 10 000 characters takes hundreds of times as long; the least is for a clock that ticks.
    const usual = Math.max(cpuOf(read, benign), 250);
    const slow = shapes.filter(([, text]) => cpuOf(read, text) / usual > 40).map(([shape]) => shape);
    expect(slow).toEqual([]);
  });
});
