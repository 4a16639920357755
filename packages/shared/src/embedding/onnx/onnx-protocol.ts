import { z } from 'zod';
import { onnxModelFilesSchema } from './model-files.ts';
import type { PackedRows, PackedVectors } from './packed-rows.ts';

/** What a worker thread is started with. */
export const onnxWorkerDataSchema = z.object({
  files: onnxModelFilesSchema,
  /** 0 (normal) to 19 (only when nobody else wants the core). */
  niceness: z.int().min(0).max(19),
});

export type OnnxWorkerData = Readonly<z.infer<typeof onnxWorkerDataSchema>>;

/** One unit of work: a thread does one at a time and looks for messages only in between. */
export type OnnxTask =
  | { readonly kind: 'tokenise'; readonly texts: readonly string[] }
  /** The passages are to leave room for `prefix`, and come without it. */
  | { readonly kind: 'split'; readonly texts: readonly string[]; readonly prefix: string }
  | { readonly kind: 'infer'; readonly rows: PackedRows }
  /** For a thread with a cross-encoder; the others are for one with a sentence model. */
  | { readonly kind: 'score'; readonly query: string; readonly texts: readonly string[] };

/** Passages of one text, or why it has none. */
export type SplitText = { readonly passages: readonly string[] } | { readonly problem: string };

export type OnnxOutput =
  | { readonly kind: 'tokenise'; readonly rows: PackedRows }
  /** An entry for each text; the rows are those of all passages, each behind the prefix, in order. */
  | { readonly kind: 'split'; readonly texts: readonly SplitText[]; readonly rows: PackedRows }
  | { readonly kind: 'infer'; readonly vectors: PackedVectors }
  | { readonly kind: 'score'; readonly scores: readonly number[] };

export type ToWorker = OnnxTask | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly output: OnnxOutput }
  | { readonly type: 'failed'; readonly message: string };
