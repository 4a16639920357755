import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import type { OnnxModelFiles } from '@memory-layer/shared/embedding/onnx/model-files';

/** A query and a text as a cross-encoder reads them. */
export interface PairRow {
  readonly ids: readonly number[];
  /** Of each token: the query's or the text's, by the model's numbers. */
  readonly types: readonly number[];
}

const jsonObject = z.record(z.string(), z.unknown());

async function readJson(file: string): Promise<object> {
  return jsonObject.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** A model's own tokenizer, for pairs that fit its window. */
export class PairTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  /** What the tokenizer puts before, between and after the two, such as [CLS], [SEP] and [SEP]. */
  readonly #frame: readonly [readonly number[], readonly number[], readonly number[]];
  readonly #types: readonly [query: number, text: number];

  constructor(tokenizer: Tokenizer, maxTokens: number) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = maxTokens;
    // Seen by its work on a sample.
    const [left = -1] = this.#own('a');
    const [right = -1] = this.#own('b');
    const { ids, token_type_ids: types } = tokenizer.encode('a', { text_pair: 'b', return_token_type_ids: true });
    const [at, then] = [ids.indexOf(left), ids.lastIndexOf(right)];
    this.#frame = [ids.slice(0, at), ids.slice(at + 1, then), ids.slice(then + 1)];
    this.#types = [types[at] ?? 0, types[then] ?? 0];
  }

  static async load({ folder, maxTokens }: OnnxModelFiles): Promise<PairTokenizer> {
    const [tokenizer, config] = await Promise.all([
      readJson(path.join(folder, 'tokenizer.json')),
      readJson(path.join(folder, 'tokenizer_config.json')),
    ]);
    return new PairTokenizer(new Tokenizer(tokenizer, config), maxTokens);
  }

  /** Rows of a query with each text. A query has half of the window at most, and a text what is left: its beginning. */
  encode(query: string, texts: readonly string[]): PairRow[] {
    const [before, between, after] = this.#frame;
    const capacity = this.#maxTokens - before.length - between.length - after.length;
    const head = [...before, ...this.#own(query).slice(0, Math.floor(capacity / 2)), ...between];
    const [queryType, textType] = this.#types;
    return texts.map((text) => {
      const tail = [...this.#own(text).slice(0, this.#maxTokens - head.length - after.length), ...after];
      return { ids: [...head, ...tail], types: [...head.map(() => queryType), ...tail.map(() => textType)] };
    });
  }

  #own(text: string): number[] {
    return this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
  }
}
