import { hasAtMostJsonBytes } from '../cost/json-size.ts';
import { textProblem } from './text-rules.ts';

const maxMetadataDepth = 4;
const maxMetadataKeys = 50;
const maxMetadataItems = 50;

export interface MetadataProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * The first thing that metadata may not be. Whatever passes is stored as it was sent; whatever would not
 * come back the same (numbers a double cannot hold, text PostgreSQL refuses) is refused.
 *
 * @param maxBytes of its JSON text, in UTF-8.
 */
export function findMetadataProblem(value: unknown, maxBytes: number): MetadataProblem | undefined {
  // First, so that nothing larger is looked at.
  if (!hasAtMostJsonBytes(value, maxBytes)) return at([], `is larger than ${maxBytes} bytes as JSON`);
  return findInValue(value, []);
}

function findInValue(value: unknown, path: readonly (string | number)[]): MetadataProblem | undefined {
  if (typeof value === 'string') return at(path, textProblem(value));
  if (typeof value === 'number') return at(path, numberProblem(value));
  if (typeof value !== 'object' || value === null) return undefined;
  if (path.length >= maxMetadataDepth) return at(path, `is nested deeper than ${maxMetadataDepth} levels`);
  return Array.isArray(value) ? findInArray(value, path) : findInObject(value, path);
}

function findInArray(items: readonly unknown[], path: readonly (string | number)[]): MetadataProblem | undefined {
  if (items.length > maxMetadataItems) return at(path, `has more than ${maxMetadataItems} items`);
  for (const [index, item] of items.entries()) {
    const problem = findInValue(item, [...path, index]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findInObject(value: object, path: readonly (string | number)[]): MetadataProblem | undefined {
  if (Object.keys(value).length > maxMetadataKeys) return at(path, `has more than ${maxMetadataKeys} keys`);
  for (const [key, item] of Object.entries(value)) {
    const problem = at(path, textProblem(key)) ?? findInValue(item, [...path, key]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function numberProblem(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'is a number too large to keep';
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'is a whole number beyond 2^53, which would lose digits: send it as a string';
  }
  return undefined;
}

function at(path: readonly (string | number)[], message: string | undefined): MetadataProblem | undefined {
  return message === undefined ? undefined : { path, message };
}
