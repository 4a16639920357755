import { Worker } from 'node:worker_threads';
import { AppError } from '../../errors/app-error.ts';
import type { ModelRequest, ResolvedModel } from './resolve-protocol.ts';
import { turnTelemetryOff } from '../onnx/no-telemetry.ts';

const script = import.meta.url.endsWith('.ts') ? './resolve-model.worker.ts' : './resolve-model.worker.js';

function adviceFor({ modelId, modelPath, allowRemote }: ModelRequest): string {
  if (modelPath !== undefined) {
    return `The folder ${modelPath} must hold config.json, tokenizer.json, tokenizer_config.json and the onnx/ folder of the model.`;
  }
  const offline = `copy the model's files to a folder and name it as the model path, or use the bundled model, which needs no download`;
  return allowRemote
    ? `The model hub must be reachable, or ${offline}.`
    : `It is not in the cache and downloads are not allowed: allow them once, or ${offline}. (Model: ${modelId})`;
}

/**
 * Finds a model's files with transformers.js: in a local folder, in the cache or on the hub. Done in a thread that
 * lives no longer than that, since loading blocks, and the library is not needed afterwards.
 *
 * @throws AppError `embedding_unavailable` that says what to do.
 */
export async function resolveModel(request: ModelRequest): Promise<ResolvedModel> {
  turnTelemetryOff();
  const worker = new Worker(new URL(script, import.meta.url), { workerData: request, name: 'model-download' });
  try {
    return await new Promise<ResolvedModel>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the download ended with code ${code}`)));
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The embedding model ${request.modelId} could not be loaded: ${reason} ${adviceFor(request)}`;
    throw new AppError('embedding_unavailable', message, { cause });
  }
}
