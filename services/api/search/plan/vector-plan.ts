import type { ReadySegments } from '../stats/segment-directory.ts';

/** How the graphs of a tenant are asked. */
export interface GraphPlan {
  /** Nearest rows taken from each segment, in their order. */
  readonly rows: readonly number[];
  /** `hnsw.max_scan_tuples`: rows that a graph may come by on its way. */
  readonly maxScanTuples: number;
  /** Share of the rows that a filter must match; below it, reading all that match takes less than the graphs. */
  readonly minShare: number;
}

export interface GraphDemand {
  /** Different messages wanted. */
  readonly limit: number;
  /** The filter needs the message's own row. */
  readonly isJoined: boolean;
}

/** How the nearest vectors are looked for. */
export interface VectorPlan {
  /** Centred query vector. */
  readonly query: Float32Array;
  readonly segments: ReadySegments;
  /** Undefined: the vectors of all messages that pass are compared. */
  readonly graphs: GraphPlan | undefined;
}

// Measured (docs/adr/0016): what a recall@10 above 0.98 takes with a margin while a message is one row, of all graphs
// together, of one that is alone, and of one among many.
const rowsForRecall = { together: 200, ofOne: 120, atLeast: 40 };
// A message that is near is near by some of its passages, not by all.
const passagesNear = 0.5;
// Segments are of different times: one may hold more of the nearest than its share.
const spare = 1.1;
// What a row from a graph costs, in rows read exactly: of `embedding` alone, and together with `message`.
const graphRowCost = { alone: 25, joined: 16 };
// Rows that match may lie off the query's way; after four times what was to be expected, reading them all is due.
const patience = 4;
// What pgvector allows.
const maxEfSearch = 1000;

/**
 * What to ask of each segment's graph for the wanted number of messages; undefined when reading all rows takes no
 * longer. Costs: a filter that matches a share s of N rows takes r / s graph rows to give r, or s N rows read exactly,
 * so the graphs are the better way where s > sqrt(r * cost / N).
 */
export function planGraphs({ segments, rowsPerMessage }: ReadySegments, demand: GraphDemand): GraphPlan | undefined {
  const vectors = vectorsOf(segments);
  if (vectors === 0) return undefined;
  const rowsNear = 1 + passagesNear * (rowsPerMessage - 1);
  const rows = segments.map((segment) => roughly(rowsNear * rowsOf(segment.vectors / vectors, demand.limit * spare)));
  const together = rows.reduce((a, b) => a + b, 0);
  const minShare = Math.sqrt((together * (demand.isJoined ? graphRowCost.joined : graphRowCost.alone)) / vectors);
  if (minShare >= 1) return undefined;
  const most = Math.max(...rows);
  return {
    rows,
    maxScanTuples: roughly((patience * most) / minShare),
    minShare,
  };
}

/**
 * The graphs to ask, where they are the better way. With a filter they are only asked when a sample tells whether enough
 * messages pass it.
 */
export function planNearest(
  segments: ReadySegments,
  { isFiltered, ...demand }: GraphDemand & { readonly isFiltered: boolean },
): GraphPlan | undefined {
  return isFiltered && segments.sample.length === 0 ? undefined : planGraphs(segments, demand);
}

/** As many messages are compared exactly in no more time than the graphs take. */
export function affordableMessages({ segments, rowsPerMessage }: ReadySegments, { minShare }: GraphPlan): number {
  return Math.ceil((minShare * vectorsOf(segments)) / rowsPerMessage);
}

/**
 * `hnsw.ef_search`, what a graph looks for at once, for so many rows of it: all of an unfiltered search, and some more
 * for rows that are dead. Going on until it has its rows costs as much again.
 */
export function efSearchFor(rows: number): number {
  return Math.min(maxEfSearch, rows + 20);
}

/** Rounded up to two digits: a little more costs nothing, and a statement is the same for nearly the same numbers. */
function roughly(count: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return Math.ceil(count / unit) * unit;
}

function rowsOf(share: number, wanted: number): number {
  const { together, ofOne, atLeast } = rowsForRecall;
  return Math.max(share * wanted, Math.min(ofOne, together * share), atLeast);
}

function vectorsOf(segments: ReadySegments['segments']): number {
  return segments.reduce((sum, segment) => sum + segment.vectors, 0);
}
