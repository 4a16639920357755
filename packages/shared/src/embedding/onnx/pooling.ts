/** Output of a token model, row-major [rows, tokens, width]. */
export interface TokenVectors {
  readonly data: Float32Array;
  readonly tokens: number;
  readonly width: number;
}

/**
 * Mean of the vectors of a text's real tokens; padding on the right is left out.
 *
 * Source: mean pooling of sentence-transformers, https://www.sbert.net/docs/package_reference/sentence_transformer/models.html
 *
 * @param lengths real tokens of each row.
 */
export function meanPool({ data, tokens, width }: TokenVectors, lengths: readonly number[]): Float32Array[] {
  return lengths.map((length, row) => {
    const mean = new Float32Array(width);
    for (let token = 0; token < length; token += 1) {
      const start = (row * tokens + token) * width;
      for (let index = 0; index < width; index += 1) mean[index] = (mean[index] ?? 0) + (data[start + index] ?? 0);
    }
    return mean.map((sum) => sum / length);
  });
}

/** Vector of each text's first token, which is the special one in front of it ([CLS]). */
export function clsPool({ data, tokens, width }: TokenVectors, rows: number): Float32Array[] {
  return Array.from({ length: rows }, (_, row) => data.slice(row * tokens * width, (row * tokens + 1) * width));
}
