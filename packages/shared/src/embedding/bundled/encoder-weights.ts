import type { TfjsWeights } from './tfjs-weights.ts';

/** Sizes of Universal Sentence Encoder Lite. */
export const encoderShape = {
  vocabulary: 8002,
  /** Width of the token embeddings; the first layer widens it to `width`. */
  embedding: 256,
  width: 512,
  heads: 4,
  feedForward: 1536,
  maxTokens: 128,
} as const;

/** `y = x @ weight + bias`; the weight is row-major, inputs x outputs. */
export interface LinearWeights {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

export interface LayerNormWeights {
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}

export interface LayerWeights {
  readonly inputWidth: number;
  readonly attentionNorm: LayerNormWeights;
  /** Queries, keys and values side by side. */
  readonly queryKeyValue: LinearWeights;
  readonly queryScale: number;
  readonly attentionOutput: LinearWeights;
  /** Widens the residual; only in the first layer. */
  readonly residual: LinearWeights | undefined;
  readonly feedForwardNorm: LayerNormWeights;
  readonly feedForwardIn: LinearWeights;
  readonly feedForwardOut: LinearWeights;
}

export interface EncoderWeights {
  readonly embeddings: Float32Array;
  /** Angular speed of each pair of the sinusoidal position signal. */
  readonly inverseTimescales: Float32Array;
  readonly layers: readonly LayerWeights[];
  readonly head: LinearWeights;
}

// The graph optimiser that published the model left the weights under four prefixes.
const appliedPrefix = 'module_apply_default/Encoder_en/KonaTransformer/Encode/';
const stackPrefix = `${appliedPrefix}TransformerStack/`;
const variablesPrefix = 'module/Encoder_en/KonaTransformer/Encode/';
const headPrefix = 'module/Encoder_en/hidden_layers/tanh_layer_0/';

function readLayer(weights: TfjsWeights, index: number): LayerWeights {
  const { embedding, width, feedForward } = encoderShape;
  const input = index === 0 ? embedding : width;
  const layer = `${appliedPrefix}Layer_${index}/TransformerLayer/`;
  const stack = `${stackPrefix}Layer_${index}/TransformerLayer/`;
  const attention = `${variablesPrefix}Layer_${index}/TransformerLayer/MultiheadAttention/`;
  const partitioned = (name: string, ...shape: number[]): Float32Array =>
    weights.get(`${layer}${name}/ConcatPartitions/concat`, ...shape);
  const norm = (prefix: string, size: number): LayerNormWeights => ({
    scale: partitioned(`${prefix}layer_prepostprocess/layer_norm/layer_norm_scale`, size),
    bias: partitioned(`${prefix}layer_prepostprocess/layer_norm/layer_norm_bias`, size),
  });
  return {
    inputWidth: input,
    attentionNorm: norm('', input),
    queryKeyValue: {
      weight: weights.get(`${attention}qkv_transform_single/kernel/part_0`, input, 3 * input),
      bias: partitioned('MultiheadAttention/qkv_transform_single/bias', 3 * input),
    },
    queryScale: weights.scalar(`${stack}MultiheadAttention/mul/y`),
    attentionOutput: {
      weight: weights.get(`${attention}output_transform_single/kernel/part_0`, input, width),
      bias: partitioned('MultiheadAttention/output_transform_single/bias', width),
    },
    residual:
      input === width
        ? undefined
        : { weight: partitioned('dense/kernel', input, width), bias: partitioned('dense/bias', width) },
    feedForwardNorm: norm('FFN/', width),
    feedForwardIn: {
      weight: weights.get(`${stack}FFN/conv1/Tensordot/Reshape_1`, width, feedForward),
      bias: partitioned('FFN/conv1/bias', feedForward),
    },
    feedForwardOut: {
      weight: weights.get(`${stack}FFN/conv2/Tensordot/Reshape_1`, feedForward, width),
      bias: partitioned('FFN/conv2/bias', width),
    },
  };
}

/** Picks the encoder's weights out of the published model; throws when one is missing or has another shape. */
export function readEncoderWeights(weights: TfjsWeights): EncoderWeights {
  const { vocabulary, embedding, width } = encoderShape;
  return {
    embeddings: weights.get('module/Embeddings_en', vocabulary, embedding),
    inverseTimescales: weights.get(`${stackPrefix}Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`, embedding / 2),
    layers: [readLayer(weights, 0), readLayer(weights, 1)],
    head: { weight: weights.get(`${headPrefix}weights`, width, width), bias: weights.get(`${headPrefix}bias`, width) },
  };
}
