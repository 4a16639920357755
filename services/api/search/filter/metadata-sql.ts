import { sql, type RawBuilder } from 'kysely';
import { holdsForNone, type MetadataFilter, type MetadataPath, type Scalar } from './metadata-filter.ts';

const comparison = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/**
 * A filter over metadata as SQL over the alias `m` of `message`: true or false, never null, and no value makes it
 * fail. Equality is containment, which the index of metadata serves; ranges and existence are read from the rows.
 */
export function compileMetadataFilter(filter: MetadataFilter): RawBuilder<boolean> {
  const compiled = compile(filter);
  // Said although it follows: the index holds only messages that have metadata.
  return holdsForNone(filter) ? compiled : sql<boolean>`(m.metadata <> '{}' and ${compiled})`;
}

function compile(filter: MetadataFilter): RawBuilder<boolean> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const separator = filter.kind === 'and' ? sql` and ` : sql` or `;
      return sql<boolean>`(${sql.join(filter.parts.map(compile), separator)})`;
    }
    case 'not':
      return sql<boolean>`(not ${compile(filter.part)})`;
    case 'eq':
      return equalsAny(filter.path, [filter.value]);
    case 'ne':
      return sql<boolean>`(not ${equalsAny(filter.path, [filter.value])})`;
    case 'in':
      return equalsAny(filter.path, filter.values);
    case 'exists':
      return filter.value ? exists(filter.path) : sql<boolean>`(not ${exists(filter.path)})`;
    default:
      return inRange(filter.path, comparison[filter.kind], filter.value);
  }
}

/** Contains one of the values at the path, alone or as an item of a list. */
function equalsAny(path: MetadataPath, values: readonly Scalar[]): RawBuilder<boolean> {
  const documents = values.flatMap((value) => [nest(path, value), nest(path, [value])]);
  const contained = documents.map((document) => sql`m.metadata @> ${JSON.stringify(document)}::jsonb`);
  return sql<boolean>`(${sql.join(contained, sql` or `)})`;
}

/** `{"a":{"b":value}}` of the path a, b. */
function nest(path: MetadataPath, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

function exists(path: MetadataPath): RawBuilder<boolean> {
  return sql<boolean>`coalesce(jsonb_path_exists(m.metadata, ${jsonPath(path)}::jsonpath, '{}', true), false)`;
}

/** Other types than the operand's are in no range. */
function inRange(path: MetadataPath, operator: string, value: string | number): RawBuilder<boolean> {
  const own = `@ ${operator} $value`;
  const ofItems = `@.type() == "array" && exists(@[*] ? (${own}))`;
  const query = `${jsonPath(path)} ? (${own} || ${ofItems})`;
  const variables = JSON.stringify({ value });
  return sql<boolean>`coalesce(jsonb_path_exists(m.metadata, ${query}::jsonpath, ${variables}::jsonb, true), false)`;
}

/** Strict: through objects alone, as containment goes. A key in quotes is escaped as in JSON. */
function jsonPath(path: MetadataPath): string {
  return `strict $${path.map((key) => `.${JSON.stringify(key)}`).join('')}`;
}
