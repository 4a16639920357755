import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { GraphBuilder } from '../bundled/graph-builder.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { norm } from '../vector.ts';
import { SentenceSession } from './sentence-session.ts';

const folder = temporaryFolder();
const onnxFile = 'onnx/model.onnx';

/** A model of three words: the vector of a token is its row of the table, whatever stands around it. */
async function writeTinyModel(name: string, ...moreInputs: readonly string[]): Promise<string> {
  const graph = new GraphBuilder();
  const table = graph.constant('table', { type: 'float32', dims: [3, 2], data: Float32Array.of(9, 9, 3, 0, 0, 3) });
  graph.node('Gather', [table, 'input_ids'], {}, 'last_hidden_state');
  const dims = ['batch', 'sequence'];
  const bytes = graph.build({
    graphName: name,
    producer: 'test',
    inputs: ['input_ids', ...moreInputs].map((input) => ({ name: input, type: 'int64', dims })),
    outputs: [{ name: 'last_hidden_state', type: 'float32', dims: [...dims, 2] }],
    metadata: {},
  });
  await mkdir(path.join(folder, name, 'onnx'), { recursive: true });
  await writeFile(path.join(folder, name, onnxFile), bytes);
  return path.join(folder, name);
}

/** The two components as whole numbers, as long as the smaller one that is not 0 is 1. */
function directionOf(vector: Float32Array): string {
  const unit = Math.min(...vector.filter((value) => value > 0));
  return Array.from(vector, (value) => Math.round(value / unit)).join('/');
}

const rows = [Int32Array.of(1, 2, 2, 2), Int32Array.of(2, 1)];
const model = { onnxFile, maxTokens: 8, collapseWhitespace: false };

describe('SentenceSession', () => {
  test.each([
    [undefined, ['1/3', '1/1']],
    ['mean' as const, ['1/3', '1/1']],
    ['cls' as const, ['1/0', '0/1']],
  ])('makes one vector of those of the tokens: pooling %s', async (pooling, expected) => {
    const tiny = await writeTinyModel('tiny');
    const session = await SentenceSession.load({ ...model, folder: tiny, ...(pooling && { pooling }) });
    const vectors = await session.embed(rows);
    expect(vectors.map(directionOf)).toEqual(expected);
    expect(vectors.map(norm)).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
    await session.release();
  });

  test('names the input that it cannot give', async () => {
    const decoder = await writeTinyModel('decoder', 'attention_mask', 'position_ids');
    const loading = SentenceSession.load({ ...model, folder: decoder });
    await expect(loading).rejects.toThrow('wants the input position_ids, which only a model server gives');
  });
});
