import { parseArgs } from 'node:util';
import { schemes, type BootstrapOptions, type Scheme } from './bootstrap.ts';
import { ingestParts, type IngestPart } from './ingest.ts';
import { parseVariant, pickVariants, variants, type Variant } from './variants.ts';

export const usage = `Retrieval quality over HTTP: are the turns found that answer a question?

  pnpm bench:retrieval --file chats.json [options]

  --file FILE        chats and questions: LoCoMo, LongMemEval, or the format of e2e/retrieval/chats.json
  --url URL          a running deployment; when not given, a standalone process is started and ended
  --key KEY          its key, good for all tenants (MEMORY_API_KEY)
  --data FOLDER      data folder of the process started here, kept: a second run finds what the first one stored
  --run NAME         tenants are NAME-<chat>; what is stored under that name already is not stored again
  --without PARTS    of messages: speaker,date
  --chats N          the first N chats alone
  --questions N      the first N questions of each chat alone
  --variants NAMES   all, or some of ${variants.map(({ name }) => name).join(',')}
  --variant NAME=JSON  another one, as often as needed: what is sent beside the query, like 'old={"mode":"vector"}'
  --concurrency 4    questions asked at a time
  --scheme NAME      what the bootstrap draws: ${schemes.join(', ')}
  --resamples 2000   of the bootstrap
  --seed 1           of the bootstrap
  --compare FILE     results.json of another run: the paired differences to it
  --results FILE     results.json of an earlier run instead of a new one: nothing is stored or asked
  --out FOLDER       where results.json, report.md, picture.svg and the raw answers go; a new temporary folder when
                     not given`;

export interface RetrievalOptions {
  readonly file: string | undefined;
  readonly url: string | undefined;
  readonly apiKey: string;
  readonly dataDir: string | undefined;
  readonly run: string | undefined;
  readonly without: ReadonlySet<IngestPart>;
  readonly chats: number;
  readonly questions: number;
  readonly variants: readonly Variant[];
  readonly concurrency: number;
  readonly bootstrap: BootstrapOptions;
  readonly compare: string | undefined;
  readonly results: string | undefined;
  readonly out: string | undefined;
}

/** @throws when an option is unknown, or has a value that it cannot have. */
export function parseOptions(args: readonly string[], defaultKey: string | undefined): RetrievalOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: text,
      url: text,
      key: { type: 'string', default: defaultKey ?? '' },
      data: text,
      run: text,
      without: { type: 'string', default: '' },
      chats: text,
      questions: text,
      variants: { type: 'string', default: 'default' },
      variant: { type: 'string', multiple: true, default: [] },
      concurrency: { type: 'string', default: '4' },
      scheme: { type: 'string', default: schemes[0] },
      resamples: { type: 'string', default: '2000' },
      seed: { type: 'string', default: '1' },
      compare: text,
      results: text,
      out: text,
    },
  });
  if ((values.file === undefined) === (values.results === undefined)) {
    throw new Error('give either --file or --results');
  }
  return {
    file: values.file,
    url: values.url,
    apiKey: values.key,
    dataDir: values.data,
    run: values.run,
    without: new Set(values.without.split(',').filter(Boolean).map(ingestPart)),
    chats: values.chats === undefined ? Number.POSITIVE_INFINITY : count('chats', values.chats),
    questions: values.questions === undefined ? Number.POSITIVE_INFINITY : count('questions', values.questions),
    variants: [...pickVariants(values.variants), ...values.variant.map(parseVariant)],
    concurrency: count('concurrency', values.concurrency),
    bootstrap: {
      scheme: schemeOf(values.scheme),
      resamples: count('resamples', values.resamples),
      seed: count('seed', values.seed),
    },
    compare: values.compare,
    results: values.results,
    out: values.out,
  };
}

function count(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} must be a whole number above 0`);
  return number;
}

function schemeOf(text: string): Scheme {
  const scheme = schemes.find((each) => each === text);
  if (scheme === undefined) throw new Error(`--scheme must be one of ${schemes.join(', ')}`);
  return scheme;
}

function ingestPart(text: string): IngestPart {
  const part = ingestParts.find((each) => each === text);
  if (part === undefined) throw new Error(`--without takes ${ingestParts.join(', ')}`);
  return part;
}
