import { z } from 'zod';
import type { Bm25Options } from './bm25.ts';

/** A way to ask: what is sent beside the query, and what that leaves out. */
export interface AskedVariant {
  readonly name: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly bm25?: undefined;
}

/** A yardstick that the bench computes itself. */
export interface ComputedVariant {
  readonly name: string;
  readonly request?: undefined;
  readonly bm25: Bm25Options;
}

export type Variant = AskedVariant | ComputedVariant;

const none = { speaker: 0, length: 0, role: 0, recency: 0, session: 0, time: 0, echo: 0 };

/** Each part of the ranking off in turn, beside the defaults. The first is what the others are compared with. */
export const variants: readonly [Variant, ...Variant[]] = [
  { name: 'default', request: {} },
  { name: 'lexical', request: { mode: 'lexical' } },
  { name: 'vector', request: { mode: 'vector' } },
  // Plain BM25: what a search engine without anything else would answer.
  {
    name: 'words-alone',
    request: { mode: 'lexical', weights: { ...none, context: 0, date: 0, importance: 0, decay: 0 } },
  },
  // The plain best passage of the query's vector.
  { name: 'vectors-alone', request: { mode: 'vector', weights: { ...none, context: 0, importance: 0, decay: 0 } } },
  { name: 'no-speaker', request: { weights: { speaker: 0 } } },
  { name: 'no-length', request: { weights: { length: 0 } } },
  { name: 'no-role', request: { weights: { role: 0 } } },
  { name: 'no-recency', request: { weights: { recency: 0 } } },
  { name: 'no-session', request: { weights: { session: 0 } } },
  { name: 'no-date', request: { weights: { date: 0 } } },
  { name: 'no-time', request: { weights: { time: 0 } } },
  { name: 'no-echo', request: { weights: { echo: 0 } } },
  { name: 'no-collapse', request: { collapse: false } },
  { name: 'no-context', request: { weights: { context: 0 } } },
  { name: 'no-importance', request: { weights: { importance: 0 } } },
  { name: 'no-decay', request: { weights: { decay: 0 } } },
  { name: 'relevance-alone', request: { weights: { importance: 0, decay: 0 } } },
  // Both sides still bring candidates; one of them does not count for their order.
  { name: 'no-lexical', request: { weights: { lexical: 0 } } },
  { name: 'no-vector', request: { weights: { vector: 0 } } },
  { name: 'bm25', bm25: { neighbourShare: 0 } },
  { name: 'bm25-neighbours', bm25: { neighbourShare: 0.3 } },
];

/** What a set of a suite is measured by. */
export const suiteVariants = 'default,lexical,vector,bm25,bm25-neighbours';

/** @param names separated by commas, or `all`. @throws when there is none of that name. */
export function pickVariants(names: string): Variant[] {
  if (names === 'all') return [...variants];
  return names.split(',').map((name) => {
    const variant = variants.find((each) => each.name === name);
    if (variant === undefined) {
      throw new Error(`no variant ${name}: there are ${variants.map((each) => each.name).join(', ')}`);
    }
    return variant;
  });
}

const requestSchema = z.record(z.string(), z.unknown());

/** A variant given as `name={"mode":"vector"}`. @throws when it is not. */
export function parseVariant(text: string): Variant {
  const [, name = '', json = ''] = /^([\w-]+)=(.+)$/s.exec(text) ?? [];
  if (name === '') throw new Error(`not a variant, name={…}: ${text}`);
  return { name, request: requestSchema.parse(JSON.parse(json)) };
}
