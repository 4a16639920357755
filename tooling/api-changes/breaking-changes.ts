import { SchemaComparison, type Direction, type Schema, type Schemas } from './schema-changes.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface Operation {
  readonly operationId?: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

/** An OpenAPI 3.1 document, as far as it is compared. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

export interface BreakingChange {
  /** As CHANGELOG.md names it: `GET /v1/messages`. */
  readonly operation: string;
  /** What of it: a parameter, a field, a status. Empty: all of it. */
  readonly subject: string;
  readonly what: string;
}

/** What a client of the first document cannot rely on in the second. */
export function breakingChanges(before: ApiDocument, after: ApiDocument): BreakingChange[] {
  const now = operationsOf(after);
  const schemas = [schemasOf(before), schemasOf(after)] as const;
  return [...operationsOf(before)].flatMap(([operation, was]) => {
    const is = now.get(operation);
    if (is === undefined) return [{ operation, subject: '', what: 'is gone' }];
    const changes = [
      ...nameAndAccess(was, is),
      ...parameterChanges(was, is, schemas),
      ...bodyChanges(was, is, schemas),
      ...answerChanges(was, is, schemas),
    ];
    return changes.map((change) => ({ operation, ...change }));
  });
}

type Change = Omit<BreakingChange, 'operation'>;
type BothSchemas = readonly [before: Schemas, after: Schemas];

function operationsOf({ paths }: ApiDocument): Map<string, Operation> {
  return new Map(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
    ),
  );
}

const schemasOf = ({ components }: ApiDocument): Schemas => new Map(Object.entries(components?.schemas ?? {}));

function nameAndAccess(was: Operation, is: Operation): Change[] {
  const renamed = was.operationId !== is.operationId;
  const closed = was.security === undefined && is.security !== undefined;
  return [
    ...(renamed ? [{ subject: 'operationId', what: `is ${is.operationId} now` }] : []),
    ...(closed ? [{ subject: 'security', what: 'asks for a key now' }] : []),
  ];
}

const nameOf = (parameter: Parameter): string => `${parameter.in} ${parameter.name.toLowerCase()}`;

function parameterChanges(was: Operation, is: Operation, schemas: BothSchemas): Change[] {
  const old = new Map((was.parameters ?? []).map((one) => [nameOf(one), one]));
  const now = new Map((is.parameters ?? []).map((one) => [nameOf(one), one]));
  const changed = [...old].flatMap(([key, parameter]) => {
    const next = now.get(key);
    if (next === undefined) return [{ subject: parameter.name, what: 'is gone' }];
    return compared('request', parameter.schema, next.schema, schemas, parameter.name);
  });
  const demanded = [...now].filter(([key, { required }]) => required === true && old.get(key)?.required !== true);
  return [...changed, ...demanded.map(([, { name }]) => ({ subject: name, what: 'is required now' }))];
}

function bodyChanges({ requestBody: was }: Operation, { requestBody: is }: Operation, schemas: BothSchemas): Change[] {
  if (was === undefined) return is?.required === true ? [{ subject: 'body', what: 'is required now' }] : [];
  if (is === undefined) return [{ subject: 'body', what: 'is gone' }];
  const demanded = is.required === true && was.required !== true;
  return [
    ...(demanded ? [{ subject: 'body', what: 'is required now' }] : []),
    ...contentChanges('request', was.content, is.content, schemas),
  ];
}

function answerChanges(was: Operation, is: Operation, schemas: BothSchemas): Change[] {
  const now = new Map(Object.entries(is.responses));
  return Object.entries(was.responses).flatMap(([status, { content = {} }]) => {
    const next = now.get(status);
    // An error that is not answered any more is missed by nobody.
    if (next === undefined) return status.startsWith('2') ? [{ subject: status, what: 'is not answered now' }] : [];
    return contentChanges('answer', content, next.content ?? {}, schemas);
  });
}

function contentChanges(direction: Direction, was: Content, is: Content, schemas: BothSchemas): Change[] {
  const now = new Map(Object.entries(is));
  return Object.entries(was).flatMap(([mediaType, { schema }]) => {
    const next = now.get(mediaType);
    if (next === undefined) return [{ subject: mediaType, what: `is no media type of the ${direction} now` }];
    return compared(direction, schema, next.schema, schemas);
  });
}

function compared(direction: Direction, was: Schema, is: Schema, [before, after]: BothSchemas, name = ''): Change[] {
  const changes = new SchemaComparison(direction, before, after).compare(was, is);
  return changes.map(({ pointer, what }) => ({ subject: name + pointer || direction, what: `(${direction}) ${what}` }));
}
