import { readFileSync } from 'node:fs';

/** As much of JSON Schema as says which fields there are. */
interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly security?: readonly object[];
  /** The scope that a key needs. */
  readonly 'x-required-scope'?: string;
}

/** An OpenAPI document, as far as isolation depends on it. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface ApiOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly needsKey: boolean;
  readonly scope: string | undefined;
  readonly mediaType: string | undefined;
  // Where a request says something: `query limit`, `path id`, `header Prefer`, `body /messages/*/role`.
  readonly places: readonly string[];
}

/** docs/openapi.json. */
export function readApiDocument(): ApiDocument {
  return JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as ApiDocument;
}

export function operationsOf({ paths, components }: ApiDocument): ApiOperation[] {
  const schemas = new Map(Object.entries(components.schemas));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const contents = Object.entries(operation.requestBody?.content ?? {});
      const inBody = contents.flatMap(([, { schema }]) => leavesOf(schema, schemas).filter((leaf) => leaf !== ''));
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        needsKey: operation.security !== undefined,
        scope: operation['x-required-scope'],
        mediaType: contents[0]?.[0],
        places: [
          ...(operation.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`),
          ...new Set(inBody.map((leaf) => `body ${leaf}`)),
        ],
      };
    }),
  );
}

/** Pointers of the fields that hold no other ones. A schema that holds itself is entered once. */
function leavesOf(
  schema: Schema,
  schemas: ReadonlyMap<string, Schema>,
  at = '',
  within: readonly string[] = [],
): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/components/schemas/', '');
    const found = schemas.get(name);
    if (found === undefined || within.includes(name)) return [at];
    return leavesOf(found, schemas, at, [...within, name]);
  }
  const parts = [schema, ...(schema.allOf ?? [])];
  const inner = parts.flatMap((part) => [
    ...Object.entries(part.properties ?? {}).flatMap(([name, one]) => leavesOf(one, schemas, `${at}/${name}`, within)),
    ...(part.items === undefined ? [] : leavesOf(part.items, schemas, `${at}/*`, within)),
    ...(part === schema || part.$ref === undefined ? [] : leavesOf(part, schemas, at, within)),
  ]);
  return inner.length === 0 ? [at] : inner;
}
