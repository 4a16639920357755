import { describe, expect, test, vi } from 'vitest';
import { bundledModel } from '../bundled/bundled-model.ts';
import { prepareBundledModel } from '../bundled/prepare-bundled-model.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { nonEmpty } from '../../testing/non-empty.ts';
import { unpackRows } from './packed-rows.ts';
import { splitTexts } from './split-texts.ts';
import { TextTokenizer } from './text-tokenizer.ts';

// A model is converted here, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const { folder } = await prepareBundledModel({ cacheDir: temporaryFolder() });
const maxTokens = 44;
const files = { folder, onnxFile: bundledModel.onnxFile, maxTokens, collapseWhitespace: true };
const tokenizer = await TextTokenizer.load(files);

const sentence = 'We walked along the coast and slept in a tent. ';
const text = sentence.repeat(20).trim();

describe('splitTexts', () => {
  test.each(['passage: ', 'Represent this sentence for searching relevant passages: ', '说明：', 'x'])(
    'leaves room for the prefix %j in every passage, and gives the ids of both',
    (prefix) => {
      const { texts, rows } = splitTexts([text, 'Short.'], prefix, tokenizer);
      const passages = texts.flatMap((split) => ('passages' in split ? split.passages : []));
      expect(passages.join(' ')).toBe(`${text} Short.`);
      const ids = unpackRows(rows);
      for (const [index, passage] of nonEmpty(passages).entries()) {
        // Nothing is cut off: the text with its prefix has no more tokens than the model sees.
        expect(tokenizer.count(`${prefix}${passage}`)).toBeLessThanOrEqual(tokenizer.capacity);
        expect(ids[index]).toEqual(tokenizer.encode(`${prefix}${passage}`));
      }
    },
  );

  test('a text that fits only without its prefix is cut', () => {
    const fitting = sentence.repeat(3).trim();
    expect(tokenizer.count(fitting)).toBeLessThanOrEqual(tokenizer.capacity);
    const passagesBehind = (prefix: string) => splitTexts([fitting], prefix, tokenizer).texts;
    expect(passagesBehind('')).toEqual([{ passages: [fitting] }]);
    expect(passagesBehind('Represent this sentence for searching relevant passages: ')).toMatchObject([
      { passages: [expect.any(String), expect.any(String)] },
    ]);
  });
});
