import type { ApiOperation } from './api-operations.ts';
import type { Draft, Kind, Row, Things } from './attack-table.ts';
import { asItIs, idSpellings, namesLike, tenantHeaders, textSpellings, urlSpellings } from './spellings.ts';

/** A request that names something of somebody else. */
export interface Attack {
  readonly operation: ApiOperation;
  readonly name: string;
  readonly kind: Kind;
  /** Documented place and spelling: what is answered then is known. */
  readonly isPlain: boolean;
  readonly make: (own: Things, other: Things) => Draft;
}

const isId = (kind: Kind): boolean => kind === 'message' || kind === 'run' || kind === 'failureCursor';

/** Every attack on an operation: on each place that names something, and by each way that a tenant could be named. */
export function attacksOn(operation: ApiOperation, row: Row): Attack[] {
  const attacks: Attack[] = [];
  const add = (name: string, kind: Kind, make: (own: Things, other: Things) => Draft, isPlain = false): void => {
    attacks.push({ operation, name, kind, isPlain, make: (own, other) => make(own, other) });
  };
  for (const [place, kind] of Object.entries(row.names)) {
    onPlace(place, kind, row, add);
    if (kind === 'tenant') onTenant(place, row, add);
    else withTenant(place, kind, row, add);
  }
  everywhere(operation, row, add);
  return attacks;
}

type Add = (name: string, kind: Kind, make: (own: Things, other: Things) => Draft, isPlain?: boolean) => void;

function onPlace(place: string, kind: Kind, row: Row, add: Add): void {
  const isInUrl = /^(?:query|path) /.test(place);
  const spellings = [...(isInUrl ? urlSpellings : textSpellings), ...(isId(kind) && isInUrl ? idSpellings : [])];
  for (const { name, write } of spellings) {
    add(
      `${place}: ${name}`,
      kind,
      (own, other) => put(row.request(own), place, write(other[kind], own[kind])),
      name === asItIs.name,
    );
  }
  if (!place.startsWith('query ')) return;
  const name = place.slice('query '.length);
  const pair = (value: string): readonly [string, string] => [name, encodeURIComponent(value)];
  for (const [how, order] of [
    ['the own one, then it', (own: string, other: string) => [pair(own), pair(other)]],
    ['it, then the own one', (own: string, other: string) => [pair(other), pair(own)]],
    ['it, twice', (_: string, other: string) => [pair(other), pair(other)]],
    ['behind a semicolon', (own: string, other: string) => [[name, `${own};${name}=${other}`] as const]],
  ] as const) {
    add(`${place}: ${how}`, kind, (own, other) => withQuery(row.request(own), order(own[kind], other[kind])));
  }
  for (const like of namesLike(name)) {
    add(`${place}: as ${like}`, kind, (own, other) =>
      withQuery(row.request(own), [[like, encodeURIComponent(other[kind])]]),
    );
  }
}

/** In a body a name may also stand twice, or be no text. */
function onTenant(place: string, row: Row, add: Add): void {
  if (!/^(?:body|line) /.test(place)) return;
  const values: readonly [string, (own: string, other: string) => unknown][] = [
    ['in a list', (own, other) => [own, other]],
    ['alone in a list', (_, other) => [other]],
    ['in an object', (_, other) => ({ $eq: other })],
    ['as an object', (own, other) => ({ toString: own, id: other })],
  ];
  for (const [how, value] of values) {
    add(`${place}: ${how}`, 'tenant', (own, other) => put(row.request(own), place, value(own.tenant, other.tenant)));
  }
  const texts: readonly [string, (own: string, other: string) => string][] = [
    ['the own one, then it', (own, other) => `${JSON.stringify(own)},"tenant_id":${JSON.stringify(other)}`],
    ['it, then the own one', (own, other) => `${JSON.stringify(other)},"tenant_id":${JSON.stringify(own)}`],
    [
      'escaped',
      (_, other) => `"${Array.from(other, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`,
    ],
    ['an escaped name', (own, other) => `${JSON.stringify(own)},"tenant\\u005fid":${JSON.stringify(other)}`],
    ['as a prototype', (own, other) => `${JSON.stringify(own)},"__proto__":{"tenant_id":${JSON.stringify(other)}}`],
    ['as tenantId', (own, other) => `${JSON.stringify(own)},"tenantId":${JSON.stringify(other)}`],
  ];
  for (const [how, text] of texts) {
    add(`${place}: ${how}`, 'tenant', (own, other) => {
      const { body, ...rest } = put(row.request(own), place, sentinel);
      return { ...rest, text: JSON.stringify(body).replace(JSON.stringify(sentinel), text(own.tenant, other.tenant)) };
    });
  }
}

const sentinel = 'the-place-of-the-text';

/** What is somebody else's, together with whose it is. */
function withTenant(place: string, kind: Kind, row: Row, add: Add): void {
  const tenantPlaces = Object.entries(row.names).filter(([, one]) => one === 'tenant');
  for (const [tenantPlace] of tenantPlaces) {
    add(`${place} and ${tenantPlace}`, kind, (own, other) => {
      const draft = put(row.request(own), place, plain(place, other[kind]));
      return put(draft, tenantPlace, plain(tenantPlace, other.tenant));
    });
  }
  for (const name of tenantHeaders.slice(0, 2)) {
    add(`${place} and ${name}`, kind, (own, other) =>
      withHeader(put(row.request(own), place, plain(place, other[kind])), name, other.tenant),
    );
  }
}

const plain = (place: string, value: string): string =>
  /^(?:query|path) /.test(place) ? encodeURIComponent(value) : value;

/** Ways to name a tenant that no operation documents. */
function everywhere({ path }: ApiOperation, row: Row, add: Add): void {
  for (const name of tenantHeaders) {
    add(`header ${name}`, 'tenant', (own, other) => withHeader(row.request(own), name, other.tenant));
  }
  add('header Forwarded', 'tenant', (own, other) => withHeader(row.request(own), 'Forwarded', `for=_${other.tenant}`));
  add('header Cookie', 'tenant', (own, other) => withHeader(row.request(own), 'Cookie', `tenant_id=${other.tenant}`));
  add('header X-Original-URL', 'tenant', (own, other) =>
    withHeader(row.request(own), 'X-Original-URL', `${path}?tenant_id=${other.tenant}`),
  );
  if (!('query tenant_id' in row.names)) {
    add('query tenant_id, not documented', 'tenant', (own, other) =>
      withQuery(row.request(own), [['tenant_id', other.tenant]]),
    );
  }
}

const withQuery = (draft: Draft, pairs: readonly (readonly [string, string])[]): Draft => ({
  ...draft,
  query: [...(draft.query ?? []).filter(([name]) => pairs.every(([other]) => other !== name)), ...pairs],
});

const withHeader = (draft: Draft, name: string, value: string): Draft => ({
  ...draft,
  headers: [...(draft.headers ?? []), [name, value]],
});

/** Puts a value to its place; in a URL it is written already. */
function put(draft: Draft, place: string, value: unknown): Draft {
  const [part = '', name = ''] = place.split(' ');
  if (part === 'path') return { ...draft, path: { ...draft.path, [name]: String(value) } };
  if (part === 'query') return withQuery(draft, [[name, String(value)]]);
  if (part === 'header') return withHeader(draft, name, String(value));
  return { ...draft, body: setAt(structuredClone(draft.body), name.split('/').slice(1), value) };
}

function setAt(body: unknown, [name = '', ...rest]: readonly string[], value: unknown): unknown {
  if (name === '*') return [rest.length === 0 ? value : setAt(Array.isArray(body) ? body[0] : {}, rest, value)];
  const fields = new Map(typeof body === 'object' && body !== null ? Object.entries(body) : []);
  return { ...Object.fromEntries(fields), [name]: rest.length === 0 ? value : setAt(fields.get(name), rest, value) };
}
