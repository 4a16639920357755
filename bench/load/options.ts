import { parseArgs } from 'node:util';
import { parseMix, type Mix } from './mix.ts';

export const usage = `Load on a running memory-layer.

  pnpm bench:load --key KEY [--url http://127.0.0.1:8000] [options]

  --mix single=70,batch=5,search=25   kinds of requests and their shares
  --clients 100      connections; each sends its next request when it has its answer (closed loop)
  --rate N           requests a second, sent whatever the target does (open loop); clients is then the most connections
  --requests N       end after N requests instead of --seconds (closed loop)
  --seconds 10       how long to measure
  --warmup 2         seconds before that, not counted
  --batch-size 100   messages of a batch
  --import LINES     one NDJSON stream of LINES messages instead of requests
  --tenants 8        tenants the messages are for: the key must be good for all
  --searches FILE    bodies of searches, one a line, taken in turn; made of messages when not given
  --first N          number of the first message; messages of the same number are equal
  --window S         length of a point in time of the report, in seconds; a hundredth of the time when not given
  --out FOLDER       write load.json and load.svg there

Rate limits of the target count: set them high, or read the 429s in the table.`;

export interface LoadOptions {
  readonly url: string;
  readonly apiKey: string;
  readonly mix: Mix;
  readonly clients: number;
  readonly rate: number | undefined;
  readonly requests: number | undefined;
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly windowSeconds: number;
  readonly batchSize: number;
  readonly importLines: number | undefined;
  readonly tenants: number;
  readonly firstMessage: number | undefined;
  readonly searchesFile: string | undefined;
  readonly out: string | undefined;
}

/** @throws when an option is unknown or no number above 0 where it should be one. */
export function parseOptions(args: readonly string[], defaultKey: string | undefined): LoadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8000' },
      key: { type: 'string', default: defaultKey ?? '' },
      mix: { type: 'string', default: 'single=70,batch=5,search=25' },
      clients: { type: 'string', default: '100' },
      rate: { type: 'string' },
      requests: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      warmup: { type: 'string', default: '2' },
      window: { type: 'string' },
      'batch-size': { type: 'string', default: '100' },
      import: { type: 'string' },
      tenants: { type: 'string', default: '8' },
      first: { type: 'string' },
      searches: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const seconds = positive('seconds', values.seconds);
  return {
    url: values.url,
    apiKey: values.key,
    mix: parseMix(values.mix),
    clients: positive('clients', values.clients),
    rate: optional('rate', values.rate),
    requests: optional('requests', values.requests),
    seconds,
    warmupSeconds: values.requests === undefined ? positive('warmup', values.warmup, 0) : 0,
    windowSeconds: optional('window', values.window) ?? Math.max(0.25, seconds / 100),
    batchSize: positive('batch-size', values['batch-size']),
    importLines: optional('import', values.import),
    tenants: positive('tenants', values.tenants),
    firstMessage: values.first === undefined ? undefined : positive('first', values.first, 0),
    searchesFile: values.searches,
    out: values.out,
  };
}

function optional(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : positive(name, text);
}

function positive(name: string, text: string, least = Number.MIN_VALUE): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number < least) throw new Error(`--${name} must be a number above 0`);
  return number;
}
