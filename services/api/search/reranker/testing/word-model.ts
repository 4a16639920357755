import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GraphBuilder } from '@memory-layer/shared/embedding/bundled/graph-builder';

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'] as const;
const known =
  `a b ana lisbon moved to in may sister lives where does my the tomatoes water report is due on friday which
city live week walked coast slept tent`
    .split(/\s+/)
    .map((word) => word.trim());
const vocabulary = [...special, ...new Set(known)];

/**
 * Writes a real cross-encoder in the hub's layout: small, and made of arithmetic. Its logit is the number of words that
 * query and text share, less one.
 */
export function writeWordModel(folder: string): void {
  mkdirSync(path.join(folder, 'onnx'), { recursive: true });
  const size = vocabulary.length;
  const write = (name: string, content: object) => writeFileSync(path.join(folder, name), JSON.stringify(content));
  write('config.json', { model_type: 'bert', architectures: ['BertForSequenceClassification'], vocab_size: size });
  write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: '[UNK]',
    pad_token: '[PAD]',
  });
  write('tokenizer.json', tokenizerJson());
  writeFileSync(path.join(folder, 'onnx/model_quantized.onnx'), buildGraph(size));
}

function tokenizerJson(): object {
  const token = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const idOf = (word: string) => ({ id: word, ids: [vocabulary.indexOf(word)], tokens: [word] });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0)],
      pair: [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0), sequence('B', 1), token('[SEP]', 1)],
      special_tokens: { '[CLS]': idOf('[CLS]'), '[SEP]': idOf('[SEP]') },
    },
    decoder: null,
    model: {
      type: 'WordLevel',
      unk_token: '[UNK]',
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    },
  };
}

/** Words as one-hot vectors, summed for each side; the dot product of the two sums counts what they share. */
function buildGraph(size: number): Buffer {
  const g = new GraphBuilder();
  const table = new Float32Array(size * size);
  for (let word = special.length; word < size; word++) table[word * size + word] = 1;
  const words = g.node('Gather', [
    g.constant('table', { type: 'float32', dims: [size, size], data: table }),
    'input_ids',
  ]);
  const mask = g.toFloat('attention_mask');
  const ofText = g.node('Mul', [g.toFloat('token_type_ids'), mask]);
  const ofQuery = g.node('Sub', [mask, ofText]);
  const sum = (side: string) =>
    g.node('ReduceSum', [g.node('Mul', [words, g.node('Unsqueeze', [side, g.ints(2)])]), g.ints(1)], { keepdims: 0 });
  const shared = g.node('ReduceSum', [g.node('Mul', [sum(ofQuery), sum(ofText)]), g.ints(1)], { keepdims: 1 });
  g.node('Sub', [shared, g.scalar(1)], {}, 'logits');
  const tokens = (name: string) => ({ name, type: 'int64', dims: ['rows', 'tokens'] }) as const;
  return g.build({
    graphName: 'words',
    producer: 'test',
    metadata: {},
    inputs: [tokens('input_ids'), tokens('attention_mask'), tokens('token_type_ids')],
    outputs: [{ name: 'logits', type: 'float32', dims: ['rows', 1] }],
  });
}
