import { availableParallelism } from 'node:os';
import type { BenchProcess } from '../../harness/child-process.ts';
import { alternate, noErrors, ratioOf } from '../../harness/rounds.ts';
import type { Sample } from '../../harness/sample.ts';
import { load, type Bench, type ComparisonRow } from '../bench.ts';
import { ensureMany } from '../search/searched-tenants.ts';
import { askAll, sampleSearches, searchesOfMany } from '../search/searches.ts';
import { coresOf } from './writes.ts';

const different = 200;
const searchClients = 20;

type Offer = (api: BenchProcess, run: string) => Promise<Sample>;

/** What does an api of one process for each core do beside one of a single process? */
async function measureProcesses(bench: Bench, offer: Offer, warm: (api: BenchProcess) => Promise<void>) {
  const count = availableParallelism();
  await using alone = await bench.stack.start('api');
  await using several = await bench.stack.start('api', { env: { MEMORY_API_PROCESSES: String(count) } });
  for (const api of [alone, several]) await warm(api);
  const pairs = await alternate(
    bench.options.runs,
    (run) => offer(alone, `1-${run}`),
    (run) => offer(several, `${count}-${run}`),
  );
  const ratio = ratioOf(pairs);
  return {
    pairs,
    notes: [
      `${count} processes over one: ${ratio.toFixed(2)}`,
      coresOf('one process', pairs[0]?.baseline),
      coresOf('several', pairs[0]?.product),
    ],
    checks: [noErrors(pairs)],
  };
}

export const processes: ComparisonRow = {
  name: 'processes',
  what: 'single posts, as many api processes as cores',
  baseline: 'single posts, one api process',
  measure: (bench) =>
    measureProcesses(
      bench,
      async (api, run) => {
        await bench.stack.forgetMessages();
        return load(bench, [api], `processes-${run}`, { mix: 'single', clients: bench.options.clients });
      },
      async () => undefined,
    ),
};

export const searchProcesses: ComparisonRow = {
  name: 'search-processes',
  what: 'searches of many tenants, as many api processes as cores, closed loop',
  baseline: 'the same searches, one api process',
  async measure(bench) {
    // The first api that runs makes the embedding generation.
    await (await bench.stack.start('api')).stop();
    const searches = searchesOfMany(await ensureMany(bench), 2000, different);
    return measureProcesses(
      bench,
      (api, run) => sampleSearches(bench, [api], { name: `search-processes-${run}`, searches, clients: searchClients }),
      async (api) => {
        // Each process has vectors of its own.
        for (let n = 0; n < 4; n++) await askAll(bench, api, searches.slice(0, different));
      },
    );
  },
};
