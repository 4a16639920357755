import { parseOptions, type Options } from '../harness/options.ts';
import { parseVariant, pickVariants, variants, type Variant } from './variants.ts';

export const about = `Retrieval quality over HTTP: are the turns found that answer a question?

  pnpm bench:retrieval --file chats.json [options]`;

const all = Number.POSITIVE_INFINITY;

export const specs = {
  file: {
    text: undefined,
    help: 'chats and questions: LoCoMo, LongMemEval, or the format of e2e/retrieval/chats.json',
  },
  url: { text: undefined, help: 'a running deployment; without it, a standalone process is started and ended' },
  key: { text: undefined, help: 'its key, good for all tenants (MEMORY_API_KEY)' },
  data: { text: undefined, help: 'data folder of the process started here, kept for a second run' },
  run: { text: undefined, help: 'tenants are RUN-<chat>; what is stored under that name is not stored again' },
  chats: { number: all, help: 'the first chats alone' },
  questions: { number: all, help: 'the first questions of each chat alone' },
  variants: { text: 'default', help: `all, or some of ${variants.map(({ name }) => name).join(',')}` },
  variant: { list: [], help: `NAME=JSON, another one: what is sent beside the query, like 'old={"mode":"vector"}'` },
  concurrency: { number: 4, help: 'questions asked at a time' },
  compare: { text: undefined, help: 'results.json of another run: the paired differences to it' },
  results: { text: undefined, help: 'results.json of an earlier run instead of a new one: nothing is stored or asked' },
  out: { text: undefined, help: 'folder for results.json, report.md and raw answers; a new temporary one without it' },
} as const;

export type RetrievalOptions = ReturnType<typeof toRetrievalOptions>;

/** @throws when an option has a value that it cannot have. */
export function toRetrievalOptions(given: Options<typeof specs>) {
  if ((given.file === undefined) === (given.results === undefined)) throw new Error('give either --file or --results');
  const chosen: readonly Variant[] = [...pickVariants(given.variants), ...given.variant.map(parseVariant)];
  return { ...given, variants: chosen };
}

/** @throws when an option is unknown, or has a value that it cannot have. */
export function parseRetrievalOptions(args: readonly string[]): RetrievalOptions {
  return toRetrievalOptions(parseOptions(specs, args));
}
