import { encoderShape, type LayerNormWeights, type LayerWeights, type LinearWeights } from './encoder-weights.ts';
import type { GraphBuilder } from './graph-builder.ts';
import type { MatrixKernel } from './matrix-kernel.ts';

const { heads, width } = encoderShape;

/** What the layers share while the graph is built. */
export interface LayerContext {
  readonly graph: GraphBuilder;
  readonly kernel: MatrixKernel;
  /** Added to attention scores: 0 for tokens, a huge negative number for padding; [batch, 1, 1, sequence]. */
  readonly paddingBias: string;
}

function layerNorm(graph: GraphBuilder, name: string, input: string, { scale, bias }: LayerNormWeights): string {
  const inputs = [input, graph.vector(`${name}.scale`, scale), graph.vector(`${name}.bias`, bias)];
  return graph.node('LayerNormalization', inputs, { axis: -1, epsilon: { float: 1e-6 } });
}

/** Folds the scaling of the queries, 1 / sqrt(head size), into the weights that make them. */
function scaleQueries({ weight, bias }: LinearWeights, inputWidth: number, scale: number): LinearWeights {
  const columns = bias.length;
  const factor = (column: number): number => (column < inputWidth ? scale : 1);
  return {
    weight: weight.map((value, index) => value * factor(index % columns)),
    bias: bias.map((value, column) => value * factor(column)),
  };
}

function attention(
  { graph, kernel, paddingBias }: LayerContext,
  name: string,
  input: string,
  layer: LayerWeights,
): string {
  const size = layer.inputWidth;
  const fused = scaleQueries(layer.queryKeyValue, size, layer.queryScale);
  const projected = kernel.linear(`${name}.qkv`, input, fused);
  const [queries, keys, values] = graph.nodeOfThree('Split', [projected, graph.ints(size, size, size)], { axis: -1 });
  const perHead = (tensor: string, perm: readonly number[]): string =>
    graph.node('Transpose', [graph.node('Reshape', [tensor, graph.ints(0, 0, heads, size / heads)])], { perm });
  const scores = graph.node('MatMul', [perHead(queries, [0, 2, 1, 3]), perHead(keys, [0, 2, 3, 1])]);
  const weights = graph.node('Softmax', [graph.node('Add', [scores, paddingBias])], { axis: -1 });
  const mixed = graph.node('MatMul', [weights, perHead(values, [0, 2, 1, 3])]);
  const merged = graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  const flat = graph.node('Reshape', [merged, graph.ints(0, 0, size)]);
  return kernel.linear(`${name}.attention`, flat, layer.attentionOutput);
}

/** A pre-norm transformer layer: attention, then two dense layers, each added to what came in. */
export function transformerLayer(context: LayerContext, name: string, input: string, layer: LayerWeights): string {
  const { graph, kernel } = context;
  const normed = layerNorm(graph, `${name}.attention_norm`, input, layer.attentionNorm);
  // The widening residual of the first layer starts from the input before its norm.
  const residual = layer.residual ? kernel.linear(`${name}.residual`, input, layer.residual) : input;
  const attended = graph.node('Add', [attention(context, name, normed, layer), residual]);
  if (layer.feedForwardOut.bias.length !== width) throw new Error(`layer ${name} does not end in ${width} columns`);
  const feedNormed = layerNorm(graph, `${name}.feed_norm`, attended, layer.feedForwardNorm);
  const hidden = graph.node('Relu', [kernel.linear(`${name}.feed_in`, feedNormed, layer.feedForwardIn)]);
  return graph.node('Add', [kernel.linear(`${name}.feed_out`, hidden, layer.feedForwardOut), attended]);
}
