import { parseOptions, type Options } from '../harness/options.ts';
import { parseVariant, pickVariants, suiteVariants, variants, type Variant } from './variants.ts';

export const about = `Retrieval quality over HTTP: are the turns found that answer a question?

  pnpm bench:retrieval --file chats.json [options]`;

const all = Number.POSITIVE_INFINITY;

export const specs = {
  file: {
    text: undefined,
    help: 'chats and questions: LoCoMo, LongMemEval, judged messages, or the format of e2e/retrieval/chats.json',
  },
  suite: { text: undefined, help: 'a folder of such files: all of them, beside BM25, in one table' },
  foreign: {
    number: 0,
    help: 'of a suite: questions about other chats that each set is asked, to judge the confidence',
  },
  fit: {
    text: undefined,
    help: 'sets that coefficients of the confidence are fitted on, separated by commas; all without it',
  },
  url: { text: undefined, help: 'a running deployment; without it, a standalone process is started and ended' },
  key: { text: undefined, help: 'its key, good for all tenants (MEMORY_API_KEY)' },
  data: { text: undefined, help: 'data folder of the process started here, kept for a second run' },
  run: { text: undefined, help: 'tenants are RUN-<chat>; what is stored under that name is not stored again' },
  chats: { number: all, help: 'the first chats alone' },
  questions: { number: all, help: 'the first questions of each chat alone' },
  variants: {
    text: undefined,
    help: `all, or some of; default if not given, and for a suite ${suiteVariants}: ${variants.map(({ name }) => name).join(',')}`,
  },
  variant: { list: [], help: `NAME=JSON, another one: what is sent beside the query, like 'old={"mode":"vector"}'` },
  concurrency: { number: 4, help: 'questions asked at a time' },
  compare: {
    text: undefined,
    help: 'results.json of another run, of a suite its folder: the paired differences to it',
  },
  results: { text: undefined, help: 'results.json of an earlier run instead of a new one: nothing is stored or asked' },
  out: { text: undefined, help: 'folder for results.json, report.md and raw answers; a new temporary one without it' },
} as const;

export type RetrievalOptions = ReturnType<typeof toRetrievalOptions>;

/** @throws when an option has a value that it cannot have. */
export function toRetrievalOptions(given: Options<typeof specs>) {
  const sources = [given.file, given.suite, given.results].filter((source) => source !== undefined);
  if (sources.length !== 1) throw new Error('give one of --file, --suite and --results');
  const names = given.variants ?? (given.suite === undefined ? 'default' : suiteVariants);
  const chosen: readonly Variant[] = [...pickVariants(names), ...given.variant.map(parseVariant)];
  return { ...given, variants: chosen };
}

/** @throws when an option is unknown, or has a value that it cannot have. */
export function parseRetrievalOptions(args: readonly string[]): RetrievalOptions {
  return toRetrievalOptions(parseOptions(specs, args));
}
