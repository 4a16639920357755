import { z } from 'zod';
import { onnxModelFilesSchema } from './model-files.ts';

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
  | { readonly kind: 'split'; readonly text: string }
  | { readonly kind: 'infer'; readonly rows: readonly Int32Array[] };

export type OnnxOutput =
  | { readonly kind: 'tokenise'; readonly rows: Int32Array[] }
  | { readonly kind: 'split'; readonly passages: string[] }
  | { readonly kind: 'infer'; readonly vectors: Float32Array[] };

export type ToWorker = OnnxTask | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly output: OnnxOutput }
  | { readonly type: 'failed'; readonly message: string };
