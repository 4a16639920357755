import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readProse, readWords, type TextWords } from './text-words.ts';

describe('the words of a text', () => {
  test.each<[string, keyof TextWords, readonly string[]]>([
    ['We board at NINE', 'words', ['we', 'board', 'at', 'nine']],
    ['std::vector', 'exact', ['std::vector']],
    ['a...b', 'exact', ['a...b']],
    ['a....b', 'exact', []],
    ['Lisbon.Ana', 'exact', ['lisbon.ana']],
    ['Lisbon,Ana', 'exact', []],
    ['/app/server.js:10', 'exact', ['app/server.js:10', 'app/server.js', 'server.js']],
    ['v2.3.1', 'exact', ['v2.3.1', '2.3.1']],
    ["Ana's, don't", 'exact', []],
    ['1.250,00', 'exact', ['1.250,00', '1250.00', '1250']],
    ['1,250.50', 'exact', ['1,250.50', '1250.50']],
    ['1.250', 'exact', ['1.250', '1250']],
    ['3fb0a1c9d2e4', 'exact', ['3fb0a1c', '3fb0a1c9']],
    ['+351 912 345 678', 'exact', ['351912345678', '912345678', '1912345678']],
    ['@ana #urgent .env C++ C#', 'exact', ['@ana', '#urgent', '.env', 'c++', 'c#']],
    ['getUserName2', 'parts', ['get', 'user', 'name', '2']],
    ['16GB', 'parts', ['16', 'gb']],
    ['Café', 'words', ['cafe']],
    ['Café', 'parts', ['café']],
    ['I met Mark. Will left; (May) said so', 'names', ['Mark']],
    ['日本語', 'words', ['日', '本', '語']],
    ['日本語', 'exact', ['日本', '本語']],
    ['서울에서', 'exact', ['서', '서울', '울에', '에서']],
    ['สวัสดีครับ', 'words', ['สวัสดี', 'ครับ']],
    ['👍🏽', 'exact', ['👍🏽', '👍']],
  ])('%s has %s %j', (text, kind, expected) => {
    expect(readWords(text)[kind].toSorted()).toEqual(expected.toSorted());
  });

  test('prose has the same parts, exact items and names, whichever function reads it', () => {
    const part = fc.constantFrom('Will', 'went', 'USA', 'userName', 'B2B', "don't", "Ana's", '42', '20240517', 'May');
    const gap = fc.constantFrom(' ', ', ', '. ', ' (', ') ', '! ', ': "', '" ', '\n', '; ', '? ', "' ");
    const prose = fc.array(fc.tuple(part, gap), { maxLength: 12 }).map((pairs) => pairs.flat().join(''));
    const character = fc.constantFrom(...'aZ5 .,!?;:\'"()\n'.split(''));
    const text = fc.oneof(prose, fc.string({ unit: character, maxLength: 12 }));
    let compared = 0;
    fc.assert(
      fc.property(text, (each) => {
        const read = readProse(each, 100);
        if (read === undefined) return;
        compared += 1;
        const { parts, exact, names } = readWords(each);
        expect({ parts: read.parts, exact: read.exact, names: read.names }).toEqual({ parts, exact, names });
      }),
      { seed: 20_260_610, numRuns: 5000 },
    );
    expect(compared).toBeGreaterThan(500);
  });

  test.each(['a.b', 'café', 'x_y', "o'clock tower", "9,'1e5", "a''b"])('%j is not prose', (text) => {
    expect(readProse(text, 100)).toBeUndefined();
  });

  test('prose of too many words is left to the other function', () => {
    expect(readProse('one two three', 3)).toBeDefined();
    expect(readProse('one two three', 2)).toBeUndefined();
  });
});
