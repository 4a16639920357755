import { describe, expect, test } from 'vitest';
import { reconcileVectorIndex, type SegmentRow } from './reconcile-vector-index.ts';

const row: SegmentRow = { indexName: 'a', tenantId: 'acme', generation: 1, state: 'ready' };
const index = { indexName: 'a', isValid: true };

describe('rows and indexes', () => {
  test('that agree are left alone', () => {
    expect(reconcileVectorIndex([row], [index], 1)).toEqual({ dropIndexes: [], deleteRows: [] });
  });

  test('of a build that broke off both go, and may be built again', () => {
    const building = { ...row, state: 'building' as const };
    const unfinished = reconcileVectorIndex([building], [{ ...index, isValid: false }], 1);
    expect(unfinished).toEqual({ dropIndexes: ['a'], deleteRows: [building] });
    expect(reconcileVectorIndex([building], [index], 1)).toEqual({ dropIndexes: ['a'], deleteRows: [building] });
    expect(reconcileVectorIndex([building], [], 1)).toEqual({ dropIndexes: [], deleteRows: [building] });
  });

  test('of a drop that was not finished both go', () => {
    const dropping = { ...row, state: 'dropping' as const };
    expect(reconcileVectorIndex([dropping], [index], 1)).toEqual({ dropIndexes: ['a'], deleteRows: [dropping] });
  });

  test('a row whose index is gone or not valid goes', () => {
    expect(reconcileVectorIndex([row], [], 1)).toEqual({ dropIndexes: [], deleteRows: [row] });
    const invalid = reconcileVectorIndex([row], [{ ...index, isValid: false }], 1);
    expect(invalid).toEqual({ dropIndexes: ['a'], deleteRows: [row] });
  });

  test('an index without a row goes', () => {
    expect(reconcileVectorIndex([], [index], 1)).toEqual({ dropIndexes: ['a'], deleteRows: [] });
  });

  test('of another generation than the active one both go', () => {
    expect(reconcileVectorIndex([row], [index], 2)).toEqual({ dropIndexes: ['a'], deleteRows: [row] });
  });
});
