import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { AutoModel, AutoTokenizer, env, LogLevel, ModelRegistry } from '@xenova/transformers';
import { modelRequestSchema, type ResolvedModel } from './resolve-protocol.ts';

const request = modelRequestSchema.parse(workerData);
const { modelPath, dtype } = request;

// The library's `env` is global, but only to this thread.
env.logLevel = LogLevel.ERROR;
env.allowRemoteModels = request.allowRemote && modelPath === undefined;
if (request.remoteHost !== undefined) env.remoteHost = request.remoteHost;
if (request.cacheDir !== undefined) env.cacheDir = path.resolve(request.cacheDir);
if (modelPath !== undefined) env.localModelPath = path.dirname(path.resolve(modelPath));
const name = modelPath === undefined ? request.modelId : path.basename(path.resolve(modelPath));

// Loading is what makes the library find or download every file, and proves that they make a model.
await AutoTokenizer.from_pretrained(name);
const model = await AutoModel.from_pretrained(name, { dtype, device: 'cpu' });
await model.dispose();

const onnxFile = (await ModelRegistry.get_model_files(name, { dtype, device: 'cpu' })).find((file) =>
  file.endsWith('.onnx'),
);
if (onnxFile === undefined) throw new Error(`${name} has no ONNX file`);
const folder = modelPath === undefined ? path.join(env.cacheDir ?? '', name) : path.resolve(modelPath);
parentPort?.postMessage({ folder, onnxFile } satisfies ResolvedModel);
