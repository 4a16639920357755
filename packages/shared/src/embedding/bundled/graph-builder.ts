import {
  type Attribute,
  type ModelSpec,
  modelProto,
  nodeProto,
  onnxType,
  tensorProto,
  type TensorSpec,
} from './onnx-proto.ts';

type Attributes = Readonly<Record<string, Attribute>>;

/** Collects the nodes and constants of one ONNX graph. Values are referred to by name, as ONNX does. */
export class GraphBuilder {
  readonly #nodes: Buffer[] = [];
  readonly #initializers = new Map<string, Buffer>();

  /** Adds a node with one output and returns the output's name. */
  node(op: string, inputs: readonly string[], attributes: Attributes = {}, output?: string): string {
    const name = output ?? `${op}_${this.#nodes.length}`;
    this.#nodes.push(nodeProto({ op, inputs, outputs: [name], attributes }));
    return name;
  }

  /** Adds a node with three outputs (Split). */
  nodeOfThree(op: string, inputs: readonly string[], attributes: Attributes = {}): [string, string, string] {
    const prefix = `${op}_${this.#nodes.length}`;
    const outputs: [string, string, string] = [`${prefix}_0`, `${prefix}_1`, `${prefix}_2`];
    this.#nodes.push(nodeProto({ op, inputs, outputs, attributes }));
    return outputs;
  }

  /** Adds a constant; `name` must be new. */
  constant(name: string, tensor: TensorSpec): string {
    if (this.#initializers.has(name)) throw new Error(`constant ${name} exists already`);
    this.#initializers.set(name, tensorProto(name, tensor));
    return name;
  }

  /** A 1-D int64 constant, shared by all that ask for the same numbers. */
  ints(...values: readonly number[]): string {
    const name = `ints_${values.join('_')}`;
    if (this.#initializers.has(name)) return name;
    const data = BigInt64Array.from(values, (value) => BigInt(value));
    return this.constant(name, { type: 'int64', dims: [values.length], data });
  }

  /** A float32 scalar constant, shared likewise. */
  scalar(value: number): string {
    const name = `scalar_${value}`;
    if (this.#initializers.has(name)) return name;
    return this.constant(name, { type: 'float32', dims: [], data: Float32Array.of(value) });
  }

  vector(name: string, data: Float32Array): string {
    return this.constant(name, { type: 'float32', dims: [data.length], data });
  }

  toFloat(input: string): string {
    return this.node('Cast', [input], { to: onnxType.float32 });
  }

  build(model: Omit<ModelSpec, 'nodes' | 'initializers'>): Buffer {
    return modelProto({ ...model, nodes: this.#nodes, initializers: [...this.#initializers.values()] });
  }
}
