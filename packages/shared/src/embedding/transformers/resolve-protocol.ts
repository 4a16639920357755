import { z } from 'zod';

/** Formats that an embedding model is commonly published in, by the library's names. */
const dtypeSchema = z.enum(['fp32', 'fp16', 'q8', 'int8', 'uint8', 'q4']);

/** What is to be found or downloaded; plain data, since it travels to a worker thread. */
export const modelRequestSchema = z.object({
  /** Name on the hub, such as `Xenova/all-MiniLM-L6-v2`. */
  modelId: z.string(),
  /** A local folder that holds the model in the hub's layout; then nothing is downloaded. */
  modelPath: z.string().optional(),
  /** Where downloaded files are kept. */
  cacheDir: z.string().optional(),
  /** Which of the model's ONNX files. */
  dtype: dtypeSchema,
  /** Whether the hub may be asked for what is not found locally. */
  allowRemote: z.boolean(),
  /** Another hub (a mirror); the library's own default is huggingface.co. */
  remoteHost: z.string().optional(),
});

export type ModelRequest = Readonly<z.infer<typeof modelRequestSchema>>;
export type TransformersDtype = z.infer<typeof dtypeSchema>;

/** Where the model lies. */
export interface ResolvedModel {
  readonly folder: string;
  readonly onnxFile: string;
}
