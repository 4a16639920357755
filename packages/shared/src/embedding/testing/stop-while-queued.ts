import { setTimeout as delay } from 'node:timers/promises';
import { createBundledEmbedder } from '../bundled/bundled-embedder.ts';

/** Run as a process of its own: stops an embedder in the middle of its work and exits at once. */
const [, , cacheDir = ''] = process.argv;
const embedder = createBundledEmbedder({ cacheDir, threads: 2 });
await embedder.start();

const counts = { fulfilled: 0, rejected: 0, unsettled: 0 };

async function embedSome(call: number): Promise<void> {
  const texts = Array.from(
    { length: 50 },
    (_, index) => `Message ${call}.${index}: the boat leaves at noon, returns at dusk.`,
  );
  counts.unsettled += 1;
  try {
    await embedder.embed(texts, { kind: 'passage' });
    counts.fulfilled += 1;
  } catch {
    counts.rejected += 1;
  }
  counts.unsettled -= 1;
}

for (let call = 0; call < 40; call += 1) void embedSome(call);
// Batches are running when some are done and others are not.
while (counts.fulfilled < 2) await delay(1);
await embedder.stop();
await delay(0);
// To leave at once is the point: whatever still runs would now be torn down.
// oxlint-disable-next-line unicorn/no-process-exit
process.stdout.write(JSON.stringify(counts), () => process.exit());
