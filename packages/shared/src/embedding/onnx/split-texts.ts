import { splitIntoPassages } from '../passage-splitter.ts';
import type { SplitText } from './onnx-protocol.ts';
import { packRows, type PackedRows } from './packed-rows.ts';
import type { TextTokenizer } from './text-tokenizer.ts';

export interface SplitTexts {
  readonly texts: readonly SplitText[];
  /** Token ids of all passages, each behind the prefix, in order: the embedder of them need not tokenise again. */
  readonly rows: PackedRows;
}

/** Cuts texts into passages that the model sees whole behind `prefix`. What the tokenizer fails on fails alone. */
export function splitTexts(texts: readonly string[], prefix: string, tokenizer: TextTokenizer): SplitTexts {
  const rows: Int32Array[] = [];
  const split = texts.map((text): SplitText => {
    try {
      const whole = tokenizer.encodeWhole(`${prefix}${text}`);
      const counted = tokenizer.counting(prefix);
      const passages = whole ? [text] : splitIntoPassages(text, counted);
      rows.push(...(whole ? [whole] : passages.map((passage) => counted.encode(passage))));
      return { passages };
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) };
    }
  });
  return { texts: split, rows: packRows(rows) };
}
