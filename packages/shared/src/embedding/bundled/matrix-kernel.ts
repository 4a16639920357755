import type { LinearWeights } from './encoder-weights.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { quantiseColumns, quantiseRows } from './quantise.ts';

/** How the big matrices are stored and multiplied; all the rest of the graph is float32. */
export interface MatrixKernel {
  /** Adds `input @ weight + bias` and returns the output's name. */
  linear(name: string, input: string, weights: LinearWeights): string;
  /** Adds the lookup of `ids` in a row-major table. */
  lookup(name: string, ids: string, table: Float32Array, columns: number): string;
}

export type Precision = 'fp32' | 'int8';

function createFloatKernel(graph: GraphBuilder): MatrixKernel {
  const matrix = (name: string, data: Float32Array, columns: number): string =>
    graph.constant(name, { type: 'float32', dims: [data.length / columns, columns], data });
  return {
    linear(name, input, { weight, bias }) {
      const product = graph.node('MatMul', [input, matrix(`${name}.weight`, weight, bias.length)]);
      return graph.node('Add', [product, graph.vector(`${name}.bias`, bias)]);
    },
    lookup: (name, ids, table, columns) => graph.node('Gather', [matrix(name, table, columns), ids]),
  };
}

/** Activations become uint8 around this: symmetric, since one zero point then serves every row. */
const activationZero = 128;
const activationLimit = 127;
const smallestScale = 1e-12;

/**
 * Dynamic quantisation: activations to 8 bits at run time with one scale per token, weights beforehand with one per
 * column. One scale per tensor (DynamicQuantizeLinear) would be some 8 % faster, but then a text's vector depends on
 * its batch mates (cosine down to 0.998).
 */
function createInt8Kernel(graph: GraphBuilder): MatrixKernel {
  const zero = graph.constant('activation_zero', { type: 'uint8', dims: [], data: Uint8Array.of(activationZero) });

  function quantiseRowsAtRunTime(rows: string): { quantised: string; scales: string } {
    const largest = graph.node('ReduceMax', [graph.node('Abs', [rows])], { axes: [-1], keepdims: 0 });
    const steps = graph.node('Mul', [largest, graph.scalar(1 / activationLimit)]);
    const scales = graph.node('Max', [steps, graph.scalar(smallestScale)]);
    const zeros = graph.node('Expand', [zero, graph.node('Shape', [scales])]);
    return { quantised: graph.node('QuantizeLinear', [rows, scales, zeros], { axis: 0 }), scales };
  }

  return {
    linear(name, input, { weight, bias }) {
      const columns = bias.length;
      const inputs = weight.length / columns;
      const { quantised, scales } = quantiseRowsAtRunTime(graph.node('Reshape', [input, graph.ints(-1, inputs)]));
      const { integers, scales: columnScales } = quantiseColumns(weight, columns);
      const matrix = graph.constant(`${name}.weight`, { type: 'int8', dims: [inputs, columns], data: integers });
      const sums = graph.node('MatMulInteger', [quantised, matrix, zero]);
      const perRow = graph.node('DequantizeLinear', [sums, scales], { axis: 0 });
      const product = graph.node('Mul', [perRow, graph.vector(`${name}.scale`, columnScales)]);
      const output = graph.node('Add', [product, graph.vector(`${name}.bias`, bias)]);
      const leading = graph.node('Slice', [graph.node('Shape', [input]), graph.ints(0), graph.ints(-1)]);
      return graph.node('Reshape', [output, graph.node('Concat', [leading, graph.ints(columns)], { axis: 0 })]);
    },
    lookup(name, ids, table, columns) {
      const { integers, scales } = quantiseRows(table, columns);
      const rows = scales.length;
      const matrix = graph.constant(name, { type: 'int8', dims: [rows, columns], data: integers });
      const scale = graph.constant(`${name}.scale`, { type: 'float32', dims: [rows, 1], data: scales });
      const values = graph.toFloat(graph.node('Gather', [matrix, ids]));
      return graph.node('Mul', [values, graph.node('Gather', [scale, ids])]);
    },
  };
}

export function createMatrixKernel(graph: GraphBuilder, precision: Precision): MatrixKernel {
  return precision === 'int8' ? createInt8Kernel(graph) : createFloatKernel(graph);
}
