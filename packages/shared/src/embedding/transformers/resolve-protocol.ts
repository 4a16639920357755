/** What is to be found or downloaded; a plain object, since it travels to a worker thread. */
export interface ModelRequest {
  /** Name on the hub, such as `Xenova/all-MiniLM-L6-v2`. */
  readonly modelId: string;
  /** A local folder that holds the model in the hub's layout; then nothing is downloaded. */
  readonly modelPath: string | undefined;
  /** Where downloaded files are kept. */
  readonly cacheDir: string | undefined;
  /** Which of the model's ONNX files, by the library's name of its number format. */
  readonly dtype: TransformersDtype;
  /** Whether the hub may be asked for what is not found locally. */
  readonly allowRemote: boolean;
  /** Another hub (a mirror); the library's own default is huggingface.co. */
  readonly remoteHost: string | undefined;
}

/** Formats that an embedding model is commonly published in. */
export type TransformersDtype = 'fp32' | 'fp16' | 'q8' | 'int8' | 'uint8' | 'q4';

/** Where the model lies. */
export interface ResolvedModel {
  readonly folder: string;
  readonly onnxFile: string;
}
