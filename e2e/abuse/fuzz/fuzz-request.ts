import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { hostileJson, hostileText, validValue } from './hostile-values.ts';
import { operations, type Operation } from './operations.ts';

/** A request as it goes over the wire, and what was done to it. */
export interface FuzzRequest {
  readonly operation: Operation;
  /** Where it was made hostile: only there may its status be one that the operation does not document. */
  readonly hostile: 'nothing' | 'body' | 'parameter' | 'header' | 'path' | 'method' | 'connection';
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer | undefined;
}

/** Keys, and ids and cursors that mean something to the server. */
export interface FuzzSeeds {
  readonly keys: readonly string[];
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
}

type Edit = (request: FuzzRequest) => FuzzRequest;

const seldom = new Set([
  '/v1/admin/retention/run',
  '/v1/admin/embeddings/retry',
  '/v1/events',
  '/v1/admin/health',
  '/metrics',
]);

/** Requests of every operation: about half as they are documented, the others hostile in one place. */
export function fuzzRequests(seeds: FuzzSeeds): fc.Arbitrary<FuzzRequest> {
  const weighted = operations.map((operation) => ({
    weight: seldom.has(operation.path) ? 1 : 4,
    arbitrary: documented(operation, seeds).chain((request) => edits(request).map((edit) => edit(request))),
  }));
  return fc.oneof(...weighted);
}

function documented(operation: Operation, seeds: FuzzSeeds): fc.Arbitrary<FuzzRequest> {
  const parameters = fc.tuple(...operation.parameters.map((parameter) => parameterOf(parameter, seeds)));
  const key = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...seeds.keys) }, fc.constantFrom('', 'wrong-key'));
  return fc.tuple(parameters, key, bodyOf(operation)).map(([values, presented, body]): FuzzRequest => {
    const given = values.flat();
    const path = given
      .filter((one) => one.in === 'path')
      .reduce((text, one) => text.replace(`{${one.name}}`, encodeURIComponent(one.value)), operation.path);
    const query = given
      .filter((one) => one.in === 'query')
      .map((one) => `${one.name}=${encodeURIComponent(one.value)}`);
    return {
      operation,
      hostile: 'nothing',
      method: operation.method,
      target: query.length === 0 ? path : `${path}?${query.join('&')}`,
      headers: [
        ...given.filter((one) => one.in === 'header').map((one) => [one.name, one.value] as const),
        ...(presented === '' ? [] : [['x-api-key', presented] as const]),
        ...(operation.body === undefined ? [] : [['content-type', operation.body.mediaType] as const]),
      ],
      body,
    };
  });
}

function parameterOf({ name, in: place, required = false, schema }: Operation['parameters'][number], seeds: FuzzSeeds) {
  const known = { id: seeds.ids, run_id: seeds.ids, cursor: seeds.cursors, tenant_id: ['attacker', 'victim', 'other'] };
  const values = Object.entries(known).find(([one]) => one === name)?.[1];
  const value = values === undefined ? validValue(schema).map(String) : fc.constantFrom(...values);
  const isSent = required || place === 'path' ? fc.constant(true) : fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
  return fc
    .tuple(isSent, value)
    .map(([sent, text]) => (sent ? [{ name, in: place, value: headerSafe(place, text) }] : []));
}

const headerSafe = (place: string, text: string): string =>
  place === 'header' ? text.replaceAll(/[^\x20-\x7e]/g, '?').trim() : text;

function bodyOf({ body, path }: Operation): fc.Arbitrary<Buffer | undefined> {
  if (body === undefined) return fc.constant(undefined);
  const described = operations.find((one) => one.path === '/v1/messages' && one.method === 'POST')?.body?.schema ?? {};
  const isStream = path === '/v1/messages/import';
  const values = isStream ? fc.array(validValue(described), { minLength: 1, maxLength: 4 }) : validValue(body.schema);
  const edited = fc.tuple(values, fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, hostilePlace));
  return edited.map(([value, place]) => {
    const text = (one: unknown, index: number): string =>
      place === undefined ? JSON.stringify(one) : spoil(one, place, index);
    return Buffer.from(isStream && Array.isArray(value) ? `${value.map(text).join('\n')}\n` : text(value, 0));
  });
}

interface HostilePlace {
  readonly at: number;
  readonly how: 'replace' | 'add' | 'remove';
  readonly name: string;
  readonly json: string;
}

const hostilePlace: fc.Arbitrary<HostilePlace> = fc.record({
  at: fc.nat(40),
  how: fc.constantFrom('replace', 'replace', 'replace', 'add', 'remove'),
  name: fc.constantFrom('__proto__', 'constructor', 'role', 'tenant_id', 'content', 'unknown', ''),
  json: hostileJson,
});

const mark = '\u0001here\u0001';

/** Changes one place of a value, as text. */
function spoil(value: unknown, { at, how, name, json }: HostilePlace, index: number): string {
  const places = placesIn(value);
  const place = places[(at + index) % places.length];
  if (place === undefined) return json;
  const copy = structuredClone(value);
  let holder: unknown = copy;
  for (const step of place.slice(0, -1)) holder = Reflect.get(holder as object, step);
  const last = place.at(-1) ?? '';
  if (how === 'remove') Reflect.deleteProperty(holder as object, last);
  else if (how === 'add') return JSON.stringify(copy).replace('{', () => `{${JSON.stringify(name)}:${json},`);
  else Object.defineProperty(holder, last, { value: mark, enumerable: true, configurable: true, writable: true });
  return JSON.stringify(copy).replace(JSON.stringify(mark), () => json);
}

function placesIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [[...path, key], ...placesIn(item, [...path, key])]);
}

/** What is done to a whole request: nothing, mostly. */
function edits(request: FuzzRequest): fc.Arbitrary<Edit> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.constant<Edit>((same) => same) },
    { weight: 4, arbitrary: parameterEdits },
    { weight: 2, arbitrary: headerEdits },
    { weight: request.operation.path.includes('{') ? 2 : 1, arbitrary: pathEdits },
    { weight: 1, arbitrary: methodEdits },
    { weight: 1, arbitrary: connectionEdits },
    { weight: request.body === undefined ? 0 : 4, arbitrary: bodyEdits },
  );
}

const anyParameter = fc.constantFrom(
  ...new Set(
    operations.flatMap(({ parameters }) => parameters.filter((one) => one.in === 'query').map(({ name }) => name)),
  ),
);
const parameterEdits: fc.Arbitrary<Edit> = fc
  .tuple(
    fc.oneof({ weight: 8, arbitrary: anyParameter }, hostileText),
    fc.oneof(
      { weight: 4, arbitrary: hostileText.map(percentEncoded) },
      fc.constantFrom('%', '%FF', '%00', '%ZZ', '%E0%80', '+', '&', '=', 'a=b', '%u0041'),
    ),
    fc.integer({ min: 1, max: 3 }),
  )
  .map(([name, value, times]) => (request) => {
    const added = Array.from({ length: times }, () => `${percentEncoded(name)}=${value}`).join('&');
    return {
      ...request,
      hostile: 'parameter',
      target: `${request.target}${request.target.includes('?') ? '&' : '?'}${added}`,
    };
  });

// A lone surrogate cannot be encoded; its bytes are no UTF-8.
function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

const headerNames = [
  'prefer',
  'idempotency-key',
  'x-request-id',
  'traceparent',
  'accept',
  'accept-encoding',
  'authorization',
  'x-api-key',
  'content-type',
  'content-encoding',
  'last-event-id',
  'origin',
  'x-forwarded-for',
  'if-none-match',
  'range',
  'cookie',
] as const;
// Control characters are refused by HTTP itself, below.
const headerValues = fc.oneof(
  hostileText.map((text) => text.replaceAll(/[\p{Cc}]/gu, '').slice(0, 3000)),
  fc.constantFrom('wait=1', 'wait="1"', 'wait=99999999999999999999', 'respond-async, wait=0', '"\\'.repeat(1500)),
  fc.constantFrom(
    'application/json; charset=utf-16',
    'application/json;charset=latin1',
    'text/plain',
    'multipart/form-data',
  ),
  fc.constantFrom('gzip', 'deflate', 'Bearer', 'Bearer  ', 'Basic YTpi', '1-2-3', '0-0-0', 'bytes=0-'),
);
const headerEdits: fc.Arbitrary<Edit> = fc
  .tuple(fc.constantFrom(...headerNames), headerValues, fc.integer({ min: 1, max: 2 }))
  .map(([name, value, times]) => (request) => {
    const others = request.headers.filter(([known]) => known.toLowerCase() !== name);
    return {
      ...request,
      hostile: 'header',
      headers: [...others, ...Array.from({ length: times }, () => [name, value] as const)],
    };
  });

const pathEdits: fc.Arbitrary<Edit> = fc
  .tuple(hostileText, fc.constantFrom('replace', 'append', 'double slash', 'dots', 'case'))
  .map(([text, how]) => (request) => {
    const [path = '', query] = request.target.split('?', 2);
    const part = percentEncoded(text);
    const paths = {
      replace: path.replace(/[^/]*$/, () => part),
      append: `${path}/${part}`,
      'double slash': `/${path}`,
      dots: `${path}/../${part}`,
      case: path.toUpperCase(),
    };
    return { ...request, hostile: 'path', target: query === undefined ? paths[how] : `${paths[how]}?${query}` };
  });

const methodEdits: fc.Arbitrary<Edit> = fc
  .constantFrom('HEAD', 'OPTIONS', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET', 'TRACE', 'QUERY', 'PROPFIND')
  .map((method) => (request) => ({ ...request, hostile: 'method', method }));

/** What a server library decides before the application is asked. */
const connectionEdits: fc.Arbitrary<Edit> = fc
  .constantFrom<readonly (readonly [string, string])[]>(
    [['expect', '100-continue']],
    [['upgrade', 'websocket']],
    [['expect', 'nothing']],
    [['content-length', '5']],
    [['content-length', '-1']],
    [['content-length', '99']],
    [['transfer-encoding', 'chunked']],
    [['transfer-encoding', 'gzip']],
    [['host', 'a b']],
    [
      ['host', 'other'],
      ['host', 'another'],
    ],
    [['x', 'a'.repeat(20_000)]],
    [['bad name', 'x']],
    [['x', 'a\0b']],
  )
  .map((headers) => (request) => ({ ...request, hostile: 'connection', headers: [...request.headers, ...headers] }));

const bodyEdits: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 3, arbitrary: hostileJson.map((json) => withBody(() => Buffer.from(json))) },
  fc
    .constantFrom('}', 'x', '\0', ' ', '\ufeff', ',null')
    .map((more) => withBody((body) => Buffer.concat([body, Buffer.from(more)]))),
  fc
    .constantFrom('\ufeff', ' ', '\0', '[')
    .map((first) => withBody((body) => Buffer.concat([Buffer.from(first), body]))),
  fc.nat(200).map((length) => withBody((body) => body.subarray(0, length))),
  fc
    .nat(200)
    .map((at) => withBody((body) => Buffer.concat([body.subarray(0, at), Buffer.of(0xff, 0xc0), body.subarray(at)]))),
  fc.constantFrom(
    withBody((body) => Buffer.from(body.toString(), 'utf16le')),
    withBody((body) => gzipSync(body)),
    withBody(() => Buffer.alloc(1_100_000, 32)),
    withBody(() => Buffer.alloc(0)),
  ),
);

function withBody(edit: (body: Buffer) => Buffer): Edit {
  return (request) => ({ ...request, hostile: 'body', body: edit(request.body ?? Buffer.alloc(0)) });
}
