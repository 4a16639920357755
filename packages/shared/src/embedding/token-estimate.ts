const printableAscii = /^[\u0020-\u007e]*$/u;

/**
 * Tokens of a text, on the safe side where the model's tokenizer is not known: English has about four characters per
 * token, other scripts about one, code and numbers lie between. Counted after NFKC, which tokenizers apply and which
 * makes up to 18 characters of one.
 *
 * Source of the factor: https://www.unicode.org/faq/normalization.html
 */
export function estimateTokens(text: string): number {
  if (printableAscii.test(text)) return Math.ceil(text.length / 3);
  const normalised = text.normalize('NFKC');
  let others = 0;
  for (let index = 0; index < normalised.length; index += 1) {
    const code = normalised.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) others += 1;
  }
  return Math.ceil((normalised.length - others) / 3) + others;
}

/** Characters of a text after NFKC: what a tokenizer has to go through. */
export function normalisedLength(text: string): number {
  return printableAscii.test(text) ? text.length : text.normalize('NFKC').length;
}
