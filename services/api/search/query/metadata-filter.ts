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

/** Whether the index of metadata finds what the filter holds for, so that only those messages are read. */
export function isIndexed(filter: MetadataFilter): boolean {
  switch (filter.kind) {
    case 'eq':
    case 'in':
      return true;
    case 'and':
      return filter.parts.some(isIndexed);
    case 'or':
      return filter.parts.every(isIndexed);
    default:
      return false;
  }
}

/**
 * How many comparisons are made with every message that is read for the filter: ranges, opposites and existence, and
 * whatever stands under `not` or beside one of these in an `or`.
 */
export function unindexedConditions(filter: MetadataFilter, isUnindexed = false): number {
  switch (filter.kind) {
    case 'eq':
    case 'in':
      return isUnindexed ? 1 : 0;
    case 'not':
      return unindexedConditions(filter.part, true);
    case 'and':
    case 'or': {
      const isRead = isUnindexed || (filter.kind === 'or' && !isIndexed(filter));
      return filter.parts.reduce((sum, part) => sum + unindexedConditions(part, isRead), 0);
    }
    default:
      return 1;
  }
}

/** Values that are compared for equality, in all. */
export function countValues(filter: MetadataFilter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.parts.reduce((sum, part) => sum + countValues(part), 0);
    case 'not':
      return countValues(filter.part);
    case 'eq':
    case 'ne':
      return 1;
    case 'in':
      return filter.values.length;
    default:
      return 0;
  }
}
