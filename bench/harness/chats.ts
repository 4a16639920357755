import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBundledEmbedder } from '@memory-layer/shared/embedding/bundled/bundled-embedder';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { centreQuery, computeQueryCentre } from '@memory-layer/shared/embedding/query-centre/query-centre';
import type { Chat } from '../retrieval/chat.ts';
import { readChats } from '../retrieval/read-chats.ts';
import { createRandom, shuffled } from './random.ts';

/** @throws when there is no file, or one in none of the formats of bench/retrieval. */
export async function readChatFile(file: string | undefined): Promise<readonly Chat[]> {
  if (file === undefined) throw new Error('give --file, a chat file in a format of bench/retrieval');
  return readChats(JSON.parse(await readFile(file, 'utf8'))).chats;
}

export function questionsOf(chats: readonly Chat[]): string[] {
  return chats.flatMap((chat) => chat.questions.map((question) => question.text));
}

/**
 * Chat turns made of real ones: first the turns themselves, then pairs of sentences from different turns, which lie
 * between topics as real turns do. The same for the same chats and count.
 */
export function mixTurns(chats: readonly Chat[], count: number): string[] {
  const turns = [...new Set(chats.flatMap((chat) => chat.turns.map((turn) => turn.text)))].filter(isText);
  const sentences = turns.flatMap((turn) => turn.split(/(?<=[.!?])\s+/)).filter(isText);
  const random = createRandom(42);
  const pick = (): string => sentences[Math.floor(random() * sentences.length)] ?? '';
  const texts = new Set(turns.slice(0, count));
  while (texts.size < count) texts.add(`${pick()} ${pick()}`);
  return shuffled([...texts], random);
}

function isText(text: string): boolean {
  return text.trim().length >= 12;
}

export interface EmbedOptions {
  readonly turns: number;
  readonly questions: number;
  /** Folder for the model and the vectors of turns: 100 000 take minutes, and are read back by the next run. */
  readonly cache: string;
}

/** Vectors of mixed turns, and of questions, evenly picked, as they are compared with turns. */
export async function embedChats(chats: readonly Chat[], { turns, questions, cache }: EmbedOptions) {
  const embedder = createBundledEmbedder({ cacheDir: join(cache, 'models') });
  await embedder.start();
  const texts = mixTurns(chats, turns);
  const vectors = await embedTurns(embedder, texts, cache);
  const centre = await computeQueryCentre(embedder);
  const all = questionsOf(chats);
  const every = Math.max(1, Math.floor(all.length / questions));
  const asked = all.filter((_, index) => index % every === 0).slice(0, questions);
  const queries = (await embedder.embed(asked, { kind: 'query' })).map((vector) => centreQuery(vector, centre));
  await embedder.stop();
  return { vectors, queries, dimension: embedder.dimension };
}

async function embedTurns(embedder: Embedder, texts: readonly string[], cache: string): Promise<Float32Array[]> {
  const { dimension } = embedder;
  const hash = createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
  const file = join(cache, `turns-${texts.length}-${hash}.f32`);
  if (!existsSync(file)) {
    const parts: Float32Array[] = [];
    for (let from = 0; from < texts.length; from += 1000) {
      parts.push(...(await embedder.embed(texts.slice(from, from + 1000), { kind: 'passage' })));
      console.error(`${parts.length} of ${texts.length} turns embedded`);
    }
    await mkdir(cache, { recursive: true });
    const bytes = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    await writeFile(`${file}.draft`, Buffer.concat(bytes));
    await rename(`${file}.draft`, file);
  }
  const all = await readFile(file);
  const floats = new Float32Array(all.buffer, all.byteOffset, all.byteLength / 4);
  return texts.map((_, index) => floats.subarray(index * dimension, (index + 1) * dimension));
}
