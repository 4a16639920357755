import { writeFile } from 'node:fs/promises';
import { createRandom } from '../../load/random.ts';
import { createChatTexts, topics } from './chat-texts.ts';
import type { Population } from './populate.ts';

/** Body of a search. */
export interface SearchBody {
  readonly tenant_id: string;
  readonly query: string;
  readonly top_k: number;
}

const texts = createChatTexts();
const topK = 10;

/** Searches of one tenant: `count` different questions. @param first number of the first one. */
export function searchesOf(tenantId: string, count: number, first = 0): SearchBody[] {
  return Array.from({ length: count }, (_, n) => {
    const number = first + n;
    return { tenant_id: tenantId, query: texts.question(number, number % topics), top_k: topK };
  });
}

/** Searches of many tenants, each as often as it has messages; `different` questions take turns. */
export function searchesOfMany(population: readonly Population[], count: number, different: number): SearchBody[] {
  const random = createRandom(11);
  const total = population.reduce((sum, { messages }) => sum + messages, 0);
  return Array.from({ length: count }, (_, n) => {
    const number = n % different;
    const tenant_id = pick(population, random() * total);
    return { tenant_id, query: texts.question(number, number % topics), top_k: topK };
  });
}

function pick(population: readonly Population[], at: number): string {
  let before = 0;
  for (const { tenantId, messages } of population) {
    before += messages;
    if (at < before) return tenantId;
  }
  return population.at(-1)?.tenantId ?? '';
}

/** One JSON body a line, as bench/load takes them. */
export async function writeSearches(file: string, searches: readonly SearchBody[]): Promise<void> {
  await writeFile(file, searches.map((search) => `${JSON.stringify(search)}\n`).join(''));
}
