import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { createRandom, shuffled } from '../load/random.ts';
import type { Chat } from '../retrieval/chat.ts';

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

/** Embeds in chunks; what was embedded once is read back from `file`, since 100 000 turns take minutes. */
export async function embedAll(embedder: Embedder, texts: readonly string[], file: string): Promise<Float32Array[]> {
  const { dimension } = embedder;
  if (!existsSync(file)) {
    await embedder.start();
    const parts: Float32Array[] = [];
    for (let from = 0; from < texts.length; from += 1000) {
      const vectors = await embedder.embed(texts.slice(from, from + 1000), { kind: 'passage' });
      parts.push(...vectors);
      console.error(`${from + vectors.length} of ${texts.length} turns embedded`);
    }
    await embedder.stop();
    await mkdir(dirname(file), { recursive: true });
    await writeFile(
      `${file}.draft`,
      Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))),
    );
    await rename(`${file}.draft`, file);
  }
  const all = await readFile(file);
  const floats = new Float32Array(all.buffer, all.byteOffset, all.byteLength / 4);
  return texts.map((_, index) => floats.subarray(index * dimension, (index + 1) * dimension));
}
