/** As much of JSON Schema as docs/openapi.json uses; the rest is compared as it stands. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly [keyword: string]: unknown;
}

export type Schemas = ReadonlyMap<string, Schema>;

/** What is sent to the API must still be taken; what it answers must still be what was promised. */
export type Direction = 'request' | 'answer';

export interface SchemaChange {
  /** JSON Pointer of the value; `*` for the items of a list. */
  readonly pointer: string;
  readonly what: string;
}

const lowerBounds = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'] as const;
const upperBounds = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'] as const;
// A change of these cannot be judged by looking at them.
const opaque = ['anyOf', 'oneOf', 'not', 'const', 'pattern', 'propertyNames', 'patternProperties', 'format'] as const;

/** Finds what breaks a client when one schema takes the place of another. */
export class SchemaComparison {
  readonly #direction: Direction;
  readonly #before: Schemas;
  readonly #after: Schemas;
  /** Schemas may hold themselves. */
  readonly #seen = new Set<string>();

  constructor(direction: Direction, before: Schemas, after: Schemas) {
    this.#direction = direction;
    this.#before = before;
    this.#after = after;
  }

  compare(before: Schema, after: Schema, pointer = ''): SchemaChange[] {
    const pair = `${before.$ref} ${after.$ref}`;
    if (before.$ref !== undefined && after.$ref !== undefined) {
      if (this.#seen.has(pair)) return [];
      this.#seen.add(pair);
    }
    const [was, is] = [resolved(before, this.#before), resolved(after, this.#after)];
    const own = this.#direction === 'request' ? narrowed(was, is) : widened(was, is);
    return [
      ...[...own, ...unjudged(was, is)].map((what) => ({ pointer, what })),
      ...this.#compareFields(was, is, pointer),
      ...this.#compareWithin(was.items, is.items, `${pointer}/*`),
      ...this.#compareWithin(schemaOf(was.additionalProperties), schemaOf(is.additionalProperties), `${pointer}/*`),
    ];
  }

  #compareWithin(was: Schema | undefined, is: Schema | undefined, pointer: string): SchemaChange[] {
    return was === undefined || is === undefined ? [] : this.compare(was, is, pointer);
  }

  #compareFields(was: Schema, is: Schema, pointer: string): SchemaChange[] {
    const [old, now] = [new Map(Object.entries(was.properties ?? {})), new Map(Object.entries(is.properties ?? {}))];
    const [mustOld, mustNow] = [new Set(was.required), new Set(is.required)];
    const changed = [...old].flatMap(([name, schema]) => {
      const at = `${pointer}/${name}`;
      const next = now.get(name);
      return next === undefined ? [{ pointer: at, what: 'is gone' }] : this.compare(schema, next, at);
    });
    const [demanded, dropped] =
      this.#direction === 'request'
        ? [mustNow.difference(mustOld), new Set<string>()]
        : [new Set<string>(), mustOld.difference(mustNow).intersection(new Set(now.keys()))];
    return [
      ...changed,
      ...[...demanded].map((name) => ({ pointer: `${pointer}/${name}`, what: 'is required now' })),
      ...[...dropped].map((name) => ({ pointer: `${pointer}/${name}`, what: 'may be missing now' })),
    ];
  }
}

/** Without references; the parts of `allOf` are one schema. */
function resolved(schema: Schema, schemas: Schemas): Schema {
  if (schema.$ref !== undefined) {
    const found = schemas.get(schema.$ref.replace('#/components/schemas/', ''));
    if (found === undefined) throw new Error(`${schema.$ref} is not in the document`);
    return resolved(found, schemas);
  }
  if (schema.allOf === undefined) return schema;
  const { allOf, ...own } = schema;
  return merged([...allOf.map((part) => resolved(part, schemas)), own]);
}

function merged([first, ...others]: readonly Schema[]): Schema {
  if (first === undefined) return {};
  const rest = merged(others);
  return {
    ...first,
    ...rest,
    properties: { ...first.properties, ...rest.properties },
    required: [...(first.required ?? []), ...(rest.required ?? [])],
  };
}

const schemaOf = (value: boolean | Schema | undefined): Schema | undefined =>
  typeof value === 'object' ? value : undefined;

function narrowed(was: Schema, is: Schema): string[] {
  return [
    ...lostTypes(was, is).map((type) => `may not be ${type} now`),
    ...lostValues(was, is),
    ...lowerBounds.flatMap((name) =>
      bound(is, name, -Infinity) > bound(was, name, -Infinity) ? [tighter(name, is)] : [],
    ),
    ...upperBounds.flatMap((name) =>
      bound(is, name, Infinity) < bound(was, name, Infinity) ? [tighter(name, is)] : [],
    ),
    ...(was.additionalProperties !== false && is.additionalProperties === false
      ? ['may not have other fields now']
      : []),
  ];
}

const bound = (schema: Schema, name: string, none: number): number =>
  typeof schema[name] === 'number' ? schema[name] : none;
const tighter = (name: string, schema: Schema): string => `has ${name} ${JSON.stringify(schema[name])} now`;

function widened(was: Schema, is: Schema): string[] {
  return lostTypes(is, was).map((type) => `may be ${type} now`);
}

/** Types that the first schema takes and the second does not. */
function lostTypes(first: Schema, second: Schema): string[] {
  const [types, others] = [typesOf(first), typesOf(second)];
  if (others === undefined) return [];
  if (types === undefined) return ['of any type'];
  return types.filter((type) => !others.includes(type) && !(type === 'integer' && others.includes('number')));
}

const typesOf = ({ type }: Schema): readonly string[] | undefined => (typeof type === 'string' ? [type] : type);

function lostValues(was: Schema, is: Schema): string[] {
  if (is.enum === undefined) return [];
  if (was.enum === undefined) return [`may only be ${JSON.stringify(is.enum)} now`];
  const left = new Set(is.enum);
  return was.enum.filter((value) => !left.has(value)).map((value) => `may not be ${JSON.stringify(value)} now`);
}

function unjudged(was: Schema, is: Schema): string[] {
  return opaque
    .filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]))
    .map((name) => `has another ${name} now`);
}
