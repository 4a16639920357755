import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { createBareApp, describeApi } from '../describe-api.ts';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';

type Json = Record<string, unknown>;

interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly examples?: Json; readonly schema: Json }>>;
  };
  readonly responses: Readonly<Record<string, ResponseEntry>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Json;
}

interface ResponseEntry {
  readonly description?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: Json }>>;
}

const text = await describeApi(manifest.version);
// The document is checked here, so nothing but its outline can be assumed.
const document = JSON.parse(text) as {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'name' | 'method' | 'path'>>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>>; readonly securitySchemes: Json };
};
const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, entry]) => ({ ...entry, name: `${method} ${path}`, method, path })),
);
const objects = [...objectsWithin(document, '#')];
/** Paths of schemas that describe one value, so one that an example can be given for. */
const values = objects.filter(([, { type }]) =>
  ['string', 'number', 'integer', 'boolean'].some((t) => includes(type, t)),
);
/** Names of parameters in place of their numbers. */
const nameOf = new Map<string, string>(
  objects.flatMap(([at, { name, schema }]): [string, string][] =>
    typeof name === 'string' && schema !== undefined ? [[`${at}/schema`, `${at}/${name}`]] : [],
  ),
);
/** What a form must not fill in: a place in answers to come, a key that is good once, a second name of another field. */
const isUnfilled = ([at, { deprecated }]: readonly [string, Json]) =>
  deprecated === true || /\/(?:cursor|last-event-id|Idempotency-Key)$/.test(nameOf.get(at) ?? at);

function includes(type: unknown, name: string): boolean {
  return type === name || (Array.isArray(type) && type.includes(name));
}

function* objectsWithin(value: unknown, at: string): Generator<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Json];
  for (const [key, inner] of Object.entries(value)) {
    // What an example or an enumeration holds is data, not part of the document.
    if (key !== 'example' && key !== 'examples' && key !== 'enum') yield* objectsWithin(inner, `${at}/${key}`);
  }
}

test('docs/openapi.json is what the api answers; `pnpm openapi` writes it', async () => {
  expect(await readFile(new URL('../../../docs/openapi.json', import.meta.url), 'utf8')).toBe(text);
});

describe('the OpenAPI document', () => {
  test('is of version 3.1, has a title and the release', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'memory-layer', version: manifest.version } });
    expect(operations.length).toBeGreaterThan(10);
  });

  test('refers to nothing that it does not hold', () => {
    const known = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    const references = objects.flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((reference) => !known.has(reference))).toEqual([]);
  });

  test('says of each operation what it is for, and under which heading', () => {
    const mute = operations.filter(({ summary = '', tags = [] }) => summary === '' || tags.length !== 1);
    expect(mute.map(({ name }) => name)).toEqual([]);
  });

  test('gives each operation a name for the programs that are made from it', () => {
    const ids = operations.map(({ operationId = '' }) => operationId);
    expect(ids.filter((id) => !/^(?:[a-z]+[A-Z]|stream)[A-Za-z]+$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('has an example of each body', () => {
    const bodies = operations.flatMap(({ name, requestBody }) =>
      Object.values(requestBody?.content ?? {}).map((content) => ({ name, ...content })),
    );
    expect(bodies.length).toBeGreaterThan(4);
    const without = bodies.filter(({ examples = {} }) => Object.keys(examples).length === 0);
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  test('declares the parameters of each path, and their schemas', () => {
    for (const { name, path, parameters = [] } of nonEmpty(operations)) {
      const inTemplate = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
      const declared = parameters.filter((parameter) => parameter.in === 'path' && parameter.required === true);
      expect({ name, in: declared.map((parameter) => parameter.name) }).toEqual({ name, in: inTemplate });
      expect(parameters.filter(({ schema }) => schema === undefined)).toEqual([]);
    }
  });

  test('gives each answer a description and a schema, and each error the shape of a problem', () => {
    const answers = operations.flatMap(({ name, responses }) =>
      Object.entries(responses).map(([status, { description = '', content = {} }]) => ({
        at: `${name} ${status}`,
        isDescribed: description !== '',
        hasSchema: Object.values(content).length > 0 && Object.values(content).every(({ schema }) => schema),
        isProblem: Object.keys(content).includes('application/problem+json'),
      })),
    );
    expect(answers.filter(({ isDescribed }) => !isDescribed)).toEqual([]);
    expect(answers.filter(({ at, hasSchema }) => hasSchema === at.endsWith(' 204'))).toEqual([]);
    expect(answers.filter(({ at, isProblem }) => isProblem !== /[45]\d\d$/.test(at) && !at.endsWith(' 503'))).toEqual(
      [],
    );
    const promising = new Set(answers.filter(({ at }) => /2\d\d$/.test(at)).map(({ at }) => at.slice(0, -4)));
    expect(operations.filter(({ name }) => !promising.has(name))).toEqual([]);
  });

  test('has an example or a default of every value, and each example fits its schema', () => {
    expect(values.length).toBeGreaterThan(50);
    const bare = values.filter(([, schema]) => !('example' in schema || 'default' in schema));
    expect(bare.filter((value) => !isUnfilled(value)).map(([at]) => at)).toEqual([]);
    expect(values.filter((value) => 'example' in value[1] && isUnfilled(value)).map(([at]) => at)).toEqual([]);
    const unfit = objects.filter(
      ([, schema]) => 'example' in schema && !z.fromJSONSchema(schema).safeParse(schema['example']).success,
    );
    expect(unfit.map(([at]) => at)).toEqual([]);
  });
});

describe('security: keys', () => {
  const isOpen = ({ security }: Operation) => security === undefined;

  test('health answers without a key, and nothing else that is documented', () => {
    expect(operations.filter(isOpen).map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/livez', '/readyz', '/v1/admin/health', '/v1/admin/readiness']),
    );
    expect(operations.filter(isOpen)).toHaveLength(4);
    const asked = operations.filter((operation) => !isOpen(operation)).map(({ security }) => security);
    expect(new Set(asked.map((security) => JSON.stringify(security)))).toEqual(
      new Set([JSON.stringify([{ apiKey: [] }, { bearer: [] }])]),
    );
    expect(Object.keys(document.components.securitySchemes)).toEqual(['apiKey', 'bearer']);
  });

  test('the app lets in whom the document says', async () => {
    const app = createBareApp('0');
    const refused = operations.map(async ({ method, path }) => {
      const url = path.replaceAll(/\{\w+\}/g, '0192f0c1-2a3b-7c4d-8e5f-6a7b8c9d0e1f');
      const { status } = await app.request(url, { method: method.toUpperCase() });
      return status === 401;
    });
    expect(await Promise.all(refused)).toEqual(operations.map((operation) => !isOpen(operation)));
  });
});
