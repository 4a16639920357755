import { AppError } from '@memory-layer/shared/errors/app-error';

/** In a longer text no position is searched, since that would block the event loop. */
const maxCharacters = 2 ** 21;

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const escapes = new Set(Array.from('"\\/bfnrtu', (character) => character.charCodeAt(0)));
const literals = ['true', 'false', 'null'];

/** Parses JSON. @param start offset of the text in `whole`, in which an error's position is counted. */
export function parseJson(text: string, whole = text, start = 0): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformedJson(error, 'The body', whole, text, start);
  }
}

/** The error for a text that is not JSON, with the line and column where it stops being JSON. */
export function malformedJson(cause: unknown, what: string, whole: string, text = whole, start = 0): AppError {
  const offset = text.length > maxCharacters ? undefined : findError(text);
  const where = offset === undefined ? '' : `: see ${describePosition(whole, start + offset)}`;
  return new AppError('malformed_json', `${what} is not valid JSON${where}.`, { cause });
}

/** Columns are counted in UTF-16 units, as editors do. */
function describePosition(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return `line ${line}, column ${offset - lineStart + 1}`;
}

type Expected = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end' | 'nothing';

/** The offset where the text stops being JSON (RFC 8259): its length when it is only incomplete. */
function findError(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  const afterValue = (): Expected => (open.length === 0 ? 'nothing' : ', or end');
  for (let at = 0; ;) {
    while (isBlank(text.charCodeAt(at))) at += 1;
    if (at >= text.length) return expected === 'nothing' ? undefined : text.length;
    const character = text.charAt(at);
    const isIn: string | undefined = open.at(-1);
    if (expected === 'nothing') return at;
    if (expected === ':') {
      if (character !== ':') return at;
      [expected, at] = ['value', at + 1];
    } else if (expected === ', or end') {
      if (character === ',') expected = isIn === '{' ? 'name' : 'value';
      else if (character === (isIn === '{' ? '}' : ']')) {
        open.pop();
        expected = afterValue();
      } else return at;
      at += 1;
    } else if ((expected === 'value or ]' && character === ']') || (expected === 'name or }' && character === '}')) {
      open.pop();
      [expected, at] = [afterValue(), at + 1];
    } else if (expected.startsWith('name')) {
      if (character !== '"') return at;
      const end = endOfString(text, at);
      if (end < 0) return -end;
      [expected, at] = [':', end];
    } else if (character === '{' || character === '[') {
      open.push(character);
      [expected, at] = [character === '{' ? 'name or }' : 'value or ]', at + 1];
    } else {
      const end = endOfScalar(text, at);
      if (end <= 0) return -end;
      [expected, at] = [afterValue(), end];
    }
  }
}

/** The end of a string, number or literal; negative: the offset of an error in it. */
function endOfScalar(text: string, start: number): number {
  const character = text.charAt(start);
  if (character === '"') return endOfString(text, start);
  if (character === '-' || isDigit(text.charCodeAt(start))) return endOfNumber(text, start);
  const literal = literals.find((one) => one.startsWith(character));
  if (literal === undefined) return -start;
  for (let n = 1; n < literal.length; n++) if (text[start + n] !== literal[n]) return -(start + n);
  return start + literal.length;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return -at;
    if (code !== 0x5c) continue;
    at += 1;
    if (at >= text.length) break;
    if (!escapes.has(text.charCodeAt(at))) return -at;
    if (text[at] !== 'u') continue;
    for (let n = 0; n < 4; n++) {
      at += 1;
      if (at < text.length && !/[0-9a-f]/i.test(text.charAt(at))) return -at;
    }
  }
  return -text.length;
}

function endOfNumber(text: string, start: number): number {
  let at = text[start] === '-' ? start + 1 : start;
  const digits = (): boolean => {
    const first = at;
    while (isDigit(text.charCodeAt(at))) at += 1;
    return at > first;
  };
  if (text[at] === '0') at += 1;
  else if (!digits()) return -at;
  if (text[at] === '.') {
    at += 1;
    if (!digits()) return -at;
  }
  if (text[at] === 'e' || text[at] === 'E') {
    at += text[at + 1] === '+' || text[at + 1] === '-' ? 2 : 1;
    if (!digits()) return -at;
  }
  return at;
}
