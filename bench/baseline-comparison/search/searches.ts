import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchProcess } from '../../harness/child-process.ts';
import { createChatTexts, topics } from '../../harness/chat-texts.ts';
import type { Population } from '../../harness/populate.ts';
import { createRandom } from '../../harness/random.ts';
import type { Sample } from '../../harness/sample.ts';
import { load, type Bench } from '../bench.ts';

/** Body of a search. */
export interface SearchBody {
  readonly tenant_id: string;
  readonly query: string;
  readonly top_k: number;
}

const texts = createChatTexts();
const bodyOf = (tenant_id: string, n: number): SearchBody => ({
  tenant_id,
  query: texts.question(n, n % topics),
  top_k: 10,
});

/** Searches of one tenant: `count` different questions. @param first number of the first one. */
export function searchesOf(tenantId: string, count: number, first = 0): SearchBody[] {
  return Array.from({ length: count }, (_, n) => bodyOf(tenantId, first + n));
}

/** Searches of many tenants, each as often as it has messages; `different` questions take turns. */
export function searchesOfMany(population: readonly Population[], count: number, different: number): SearchBody[] {
  const random = createRandom(11);
  const total = population.reduce((sum, { messages }) => sum + messages, 0);
  return Array.from({ length: count }, (_, n) => bodyOf(pick(population, random() * total), n % different));
}

function pick(population: readonly Population[], at: number): string {
  let before = 0;
  const found = population.find(({ messages }) => {
    before += messages;
    return at < before;
  });
  return found?.tenantId ?? '';
}

/** Asks each search once, so that the vectors of its queries are known. @throws when one is not answered. */
export async function askAll({ stack }: Bench, api: BenchProcess, searches: readonly SearchBody[]): Promise<void> {
  for (const search of searches) {
    const answer = await fetch(`${api.url}/v1/memory/search`, {
      method: 'POST',
      headers: { 'x-api-key': stack.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify(search),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`a search was answered ${answer.status}: ${text}`);
  }
}

export interface OfferedSearches {
  readonly name: string;
  readonly searches: readonly SearchBody[];
  /** Open loop: searches a second. Undefined: a closed loop of `clients`. */
  readonly rate?: number;
  readonly clients?: number;
}

/** Searches over HTTP, by bench/load. */
export async function sampleSearches(
  bench: Bench,
  processes: readonly [BenchProcess, ...BenchProcess[]],
  { name, searches, rate, clients = 100 }: OfferedSearches,
): Promise<Sample> {
  const folder = join(bench.folder, name);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'searches.jsonl');
  await writeFile(file, searches.map((search) => `${JSON.stringify(search)}\n`).join(''));
  return load(bench, processes, name, { mix: 'search', searches: file, clients, ...(rate !== undefined && { rate }) });
}
