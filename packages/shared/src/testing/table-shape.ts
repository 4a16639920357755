import type { Selectable } from 'kysely';
import type { Schema } from '../db/schema.ts';

/** The PostgreSQL types that a column of this TypeScript type may have. */
type PgTypeOf<T> = T extends boolean
  ? 'bool'
  : T extends number
    ? 'int2' | 'int4' | 'float8'
    : T extends Date
      ? 'timestamptz'
      : T extends Buffer
        ? 'bytea'
        : T extends readonly number[]
          ? '_float4'
          : T extends readonly string[]
            ? '_text' | '_tsvector' | '_uuid'
            : T extends string
              ? 'text' | 'uuid' | 'halfvec' | 'tsvector' | 'int8' | 'xid8'
              : 'jsonb';

type Nullable<T> = null extends T ? 'null' : 'not null';

/** `type nullability`, as TypeScript sees the column. */
type ColumnShape<T> = `${PgTypeOf<NonNullable<T>>} ${Nullable<T>}`;

/** For every table and column of {@link Schema}: what the database must say of it. */
export type TableShapes = {
  readonly [Table in keyof Schema]: {
    readonly [Column in keyof Selectable<Schema[Table]>]: ColumnShape<Selectable<Schema[Table]>[Column]>;
  };
};
