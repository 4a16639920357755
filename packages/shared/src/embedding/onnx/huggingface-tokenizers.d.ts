/**
 * The part of the library that is used here. Its own declarations import one another without file extensions, which
 * `nodenext` does not resolve: all of it would silently be `any`.
 */
declare module '@huggingface/tokenizers' {
  export class Tokenizer {
    /** @param tokenizer parsed `tokenizer.json`; @param config parsed `tokenizer_config.json`. */
    constructor(tokenizer: object, config: object);
    encode(text: string, options?: { readonly add_special_tokens?: boolean }): { readonly ids: number[] };
    encode(
      text: string,
      options: { readonly text_pair: string; readonly return_token_type_ids: true },
    ): { readonly ids: number[]; readonly token_type_ids: number[] };
  }
}
