import { invalidRequest } from '../../../http/validation-hook.ts';
import { isObject } from '../../content/json-value.ts';
import { formatNames, importFormats, ownFormat } from './catalog.ts';
import type { ImportFormat, Layout } from './format.ts';
import { JsonWalker } from './json-walker.ts';

/** The beginning of a source, enough to detect its format. */
export interface Sample {
  readonly text: string;
  /** Whether it is the whole source. */
  readonly isWhole: boolean;
}

/**
 * The format of a source, by its shape.
 *
 * @returns undefined for our own.
 * @throws AppError `invalid_request` when no format fits, or several do.
 */
export function detectFormat(sample: Sample, fallback?: typeof ownFormat): ImportFormat | undefined {
  const value = valueOf(sample);
  const isOwn = isObject(value) && 'conversation_id' in value && 'role' in value;
  const found = [...importFormats.values()].filter((format) =>
    format.looksLike(format.source === 'text' ? sample.text : value),
  );
  const [first] = found;
  if (found.length + Number(isOwn) > 1) {
    const names = [...(isOwn ? [ownFormat] : []), ...found.map(({ name }) => name)];
    throw formatProblem(`is needed: the source may be ${names.join(' or ')}`);
  }
  if (first === undefined && !isOwn && fallback === undefined) {
    throw formatProblem(`is needed: the source is not recognised as any of ${formatNames.join(', ')}`);
  }
  return first;
}

function formatProblem(detail: string) {
  return invalidRequest([{ in: 'query', pointer: '/format', detail }]);
}

/** A source is one document when its first line is not JSON by itself. */
export function layoutOf({ text, isWhole }: Sample): Layout {
  const start = text.trimStart();
  const end = start.indexOf('\n');
  if (end === -1) return 'lines';
  const isRest = start.slice(end).trim() !== '' || !isWhole;
  return isJson(start.slice(0, end)) || !isRest ? 'lines' : 'document';
}

// A little at a time, since nothing is kept of what is pushed with a fault in it.
const pushed = 16;

/** The value of the document or of the first line, as far as it was read. Undefined when it is not JSON. */
function valueOf(sample: Sample): unknown {
  const text = sample.text.trimStart();
  const end = text.indexOf('\n');
  const first = layoutOf(sample) === 'lines' && end !== -1 ? text.slice(0, end) : text;
  const whole = { lists: undefined, maxTextCharacters: text.length, maxItemCharacters: Number.POSITIVE_INFINITY };
  const walker = new JsonWalker(whole);
  try {
    for (let at = 0; at < first.length; at += pushed) walker.push(first.slice(at, at + pushed));
  } catch {
    // What stands before the fault tells the format; its reader says where the fault is.
  }
  return walker.root;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
