import { bytesField, floatField, intField, message, stringField } from './protobuf.ts';

/** `TensorProto.DataType` numbers. Source of every number here: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 */
export const onnxType = { float32: 1, uint8: 2, int8: 3, int64: 7 } as const;
export type OnnxType = keyof typeof onnxType;

const attributeFloat = 1;
const attributeInt = 2;
const attributeInts = 7;

/** Opset 17 is the first with LayerNormalization; IR 8 is its contemporary. */
const opsetVersion = 17;
const irVersion = 8;

/** An attribute is an integer, a list of integers or `{ float }`. */
export type Attribute = number | readonly number[] | { readonly float: number };

export interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface TensorSpec {
  readonly type: OnnxType;
  readonly dims: readonly number[];
  /** Elements in the host's byte order; ONNX wants little-endian, which all platforms of Node's binaries are. */
  readonly data: Float32Array | Uint8Array | Int8Array | BigInt64Array;
}

/** A graph input or output; a string dimension is symbolic. */
export interface ValueSpec {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly (string | number)[];
}

function attributeProto(name: string, value: Attribute): Buffer {
  if (typeof value === 'number') return message(stringField(1, name), intField(3, value), intField(20, attributeInt));
  if ('float' in value) return message(stringField(1, name), floatField(2, value.float), intField(20, attributeFloat));
  return message(stringField(1, name), ...value.map((item) => intField(8, item)), intField(20, attributeInts));
}

export function nodeProto({ op, inputs, outputs, attributes }: NodeSpec): Buffer {
  return message(
    ...inputs.map((input) => stringField(1, input)),
    ...outputs.map((output) => stringField(2, output)),
    stringField(4, op),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, attributeProto(name, value))),
  );
}

export function tensorProto(name: string, { type, dims, data }: TensorSpec): Buffer {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(
    ...dims.map((size) => intField(1, size)),
    intField(2, onnxType[type]),
    stringField(8, name),
    bytesField(9, raw),
  );
}

function valueInfoProto({ name, type, dims }: ValueSpec): Buffer {
  const dimensions = dims.map((dim) => bytesField(1, typeof dim === 'string' ? stringField(2, dim) : intField(1, dim)));
  const tensorType = message(intField(1, onnxType[type]), bytesField(2, message(...dimensions)));
  return message(stringField(1, name), bytesField(2, bytesField(1, tensorType)));
}

export interface ModelSpec {
  readonly graphName: string;
  readonly producer: string;
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
  /** Free text kept in the file: where it comes from, its licence. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The bytes of an `.onnx` file. */
export function modelProto(model: ModelSpec): Buffer {
  const graph = message(
    ...model.nodes.map((node) => bytesField(1, node)),
    stringField(2, model.graphName),
    ...model.initializers.map((tensor) => bytesField(5, tensor)),
    ...model.inputs.map((input) => bytesField(11, valueInfoProto(input))),
    ...model.outputs.map((output) => bytesField(12, valueInfoProto(output))),
  );
  const opset = message(stringField(1, ''), intField(2, opsetVersion));
  const metadata = Object.entries(model.metadata).map(([key, value]) =>
    message(stringField(1, key), stringField(2, value)),
  );
  return message(
    intField(1, irVersion),
    stringField(2, model.producer),
    bytesField(7, graph),
    bytesField(8, opset),
    ...metadata.map((entry) => bytesField(14, entry)),
  );
}
