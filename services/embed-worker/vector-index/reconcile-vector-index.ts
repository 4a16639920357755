/** A segment as its row says. */
export interface SegmentRow {
  readonly indexName: string;
  readonly tenantId: string;
  readonly generation: number;
  readonly state: 'building' | 'ready' | 'dropping';
}

/** A segment index as the catalog says. */
export interface ExistingIndex {
  readonly indexName: string;
  /** False while it is being built, and of a build that broke off. */
  readonly isValid: boolean;
}

export interface Reconciliation {
  readonly dropIndexes: readonly string[];
  readonly deleteRows: readonly SegmentRow[];
}

/**
 * What rows and indexes disagree about, seen by the one maintainer that is at work: a build that broke off, a drop that
 * was not finished, an index that somebody dropped, one that came from a backup without its row, and whatever belongs
 * to a generation that is not searched any more.
 */
export function reconcileVectorIndex(
  rows: readonly SegmentRow[],
  indexes: readonly ExistingIndex[],
  activeGeneration: number,
): Reconciliation {
  const valid = new Set(indexes.filter((index) => index.isValid).map((index) => index.indexName));
  const isSound = (row: SegmentRow) =>
    row.state === 'ready' && row.generation === activeGeneration && valid.has(row.indexName);
  const wanted = new Set(rows.filter(isSound).map((row) => row.indexName));
  return {
    dropIndexes: indexes.map((index) => index.indexName).filter((name) => !wanted.has(name)),
    deleteRows: rows.filter((row) => !isSound(row)),
  };
}
