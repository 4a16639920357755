import { readFileSync } from 'node:fs';

/** As much of JSON Schema as requests are described with. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly example?: unknown;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>;

interface DescribedOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: { readonly mediaType: string; readonly schema: Schema } | undefined;
  /** Media types of each documented status; none for an answer without a body. */
  readonly answers: ReadonlyMap<string, readonly string[]>;
}

const url = new URL('../../../docs/openapi.json', import.meta.url);

/** The API as it is documented. */
export const document = JSON.parse(readFileSync(url, 'utf8')) as Document;

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { parameters = [], requestBody, responses }]) => {
    const [body] = Object.entries(requestBody?.content ?? {});
    return {
      method: method.toUpperCase(),
      path,
      parameters,
      body: body && { mediaType: body[0], schema: body[1].schema },
      answers: new Map(
        Object.entries(responses).map(([status, { content }]) => [status, Object.keys(content ?? {})] as const),
      ),
    };
  }),
);

/** Follows references; a schema of several parts becomes one with all their properties. */
export function resolveSchema(schema: Schema): Schema {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/components/schemas/', '');
    const found = Object.entries(document.components.schemas).find(([known]) => known === name)?.[1];
    if (found === undefined) throw new Error(`${schema.$ref} is not in the document`);
    return resolveSchema(found);
  }
  if (schema.allOf === undefined) return schema;
  const parts = schema.allOf.map(resolveSchema);
  return {
    type: 'object',
    properties: Object.assign({}, ...parts.map((part) => part.properties)) as Record<string, Schema>,
    required: parts.flatMap((part) => part.required ?? []),
  };
}
