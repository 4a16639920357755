import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { mayFit, type TokenMeter } from '../passage-splitter.ts';
import type { OnnxModelFiles } from './model-files.ts';

const jsonObject = z.record(z.string(), z.unknown());

async function readJson(file: string): Promise<object> {
  return jsonObject.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** A model's own tokenizer, bound to the number of tokens that the model sees. */
export class TextTokenizer {
  /** Tokens of a text's own that the model sees: `maxTokens` less the special ones. */
  readonly capacity: number;
  readonly #tokenizer: Tokenizer;
  readonly #collapseWhitespace: boolean;
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];
  readonly #prefixCosts = new Map<string, number>();

  constructor(tokenizer: Tokenizer, maxTokens: number, collapseWhitespace: boolean) {
    this.#tokenizer = tokenizer;
    this.#collapseWhitespace = collapseWhitespace;
    // What the tokenizer puts around a text, such as [CLS] and [SEP], seen by its work on a sample.
    const bare = tokenizer.encode('a', { add_special_tokens: false }).ids;
    const dressed = tokenizer.encode('a').ids;
    const start = Math.max(0, dressed.indexOf(bare[0] ?? -1));
    this.#prefix = dressed.slice(0, start);
    this.#suffix = dressed.slice(start + bare.length);
    this.capacity = maxTokens - this.#prefix.length - this.#suffix.length;
  }

  static async load({ folder, maxTokens, collapseWhitespace }: OnnxModelFiles): Promise<TextTokenizer> {
    const [tokenizer, config] = await Promise.all([
      readJson(path.join(folder, 'tokenizer.json')),
      readJson(path.join(folder, 'tokenizer_config.json')),
    ]);
    return new TextTokenizer(new Tokenizer(tokenizer, config), maxTokens, collapseWhitespace);
  }

  #ownIds(text: string): number[] {
    const prepared = this.#collapseWhitespace ? text.replaceAll(/\s+/gu, ' ').trim() : text;
    return this.#tokenizer.encode(prepared, { add_special_tokens: false }).ids;
  }

  /** Tokens of the whole text, special ones not counted. */
  count(text: string): number {
    return this.#ownIds(text).length;
  }

  /**
   * A meter that remembers what it has counted, for as long as one text is cut: its passages are among that. Its
   * capacity leaves room for `prefix`, which `encode` puts before a passage.
   */
  counting(prefix = ''): TokenMeter & Pick<TextTokenizer, 'encode'> {
    const counted = new Map<string, number[]>();
    return {
      capacity: this.capacity - this.#prefixCost(prefix),
      count: (text) => {
        const own = counted.get(text) ?? this.#ownIds(text);
        counted.set(text, own);
        return own.length;
      },
      encode: (text) => {
        const own = prefix === '' ? counted.get(text) : undefined;
        return this.#dress((own ?? this.#ownIds(`${prefix}${text}`)).slice(0, this.capacity));
      },
    };
  }

  /** Tokens that a prefix adds to a text, at most: some tokenizers make another number of them beside a text than alone. */
  #prefixCost(prefix: string): number {
    if (prefix === '') return 0;
    const known = this.#prefixCosts.get(prefix);
    if (known !== undefined) return known;
    const cost = Math.max(this.count(prefix), this.count(`${prefix}a`) - this.count('a'));
    this.#prefixCosts.set(prefix, cost);
    return cost;
  }

  /** The ids that the model is fed: of a text that is too long, the beginning; special tokens are never cut. */
  encode(text: string): Int32Array {
    return this.#dress(this.#ownIds(text).slice(0, this.capacity));
  }

  /** The ids of a text that the model sees whole; undefined when it is too long. */
  encodeWhole(text: string): Int32Array | undefined {
    if (!mayFit(text, this.capacity)) return undefined;
    const own = this.#ownIds(text);
    return own.length > this.capacity ? undefined : this.#dress(own);
  }

  #dress(own: readonly number[]): Int32Array {
    return Int32Array.from([...this.#prefix, ...own, ...this.#suffix]);
  }
}
