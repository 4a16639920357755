/** What a value of metadata is compared with. */
export type Scalar = string | number | boolean | null;

/** Keys from the outermost object inwards, at least one. */
export type MetadataPath = readonly string[];

export const rangeOperators = ['gt', 'gte', 'lt', 'lte'] as const;
export type RangeOperator = (typeof rangeOperators)[number];

/** A filter over metadata, parsed. Whatever the metadata is, it holds or it does not: there is no third answer. */
export type MetadataFilter =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly MetadataFilter[] }
  | { readonly kind: 'not'; readonly part: MetadataFilter }
  | MetadataCondition;

export type MetadataCondition =
  | { readonly kind: 'eq' | 'ne'; readonly path: MetadataPath; readonly value: Scalar }
  | { readonly kind: 'in'; readonly path: MetadataPath; readonly values: readonly Scalar[] }
  | { readonly kind: RangeOperator; readonly path: MetadataPath; readonly value: string | number }
  | { readonly kind: 'exists'; readonly path: MetadataPath; readonly value: boolean };

/** Whether the filter holds for a message without metadata. */
export function holdsForNone(filter: MetadataFilter): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.parts.every(holdsForNone);
    case 'or':
      return filter.parts.some(holdsForNone);
    case 'not':
      return !holdsForNone(filter.part);
    case 'ne':
      return true;
    case 'exists':
      return !filter.value;
    default:
      return false;
  }
}
