import { setTimeout as delay } from 'node:timers/promises';
import { createBundledEmbedder } from '../bundled/bundled-embedder.ts';

/** Run as a process of its own: stops an embedder in the middle of its work and exits at once. */
const [, , cacheDir = ''] = process.argv;
const embedder = createBundledEmbedder({ cacheDir, threads: 2 });
await embedder.start();

const counts = { fulfilled: 0, rejected: 0, unsettled: 40 };
for (let call = 0; call < 40; call += 1) {
  const texts = Array.from({ length: 50 }, (_, index) => `Message ${call}.${index}: the boat leaves at noon and returns at dusk.`);
  embedder.embed(texts, { kind: 'passage' }).then(
    () => {
      counts.fulfilled += 1;
      counts.unsettled -= 1;
    },
    () => {
      counts.rejected += 1;
      counts.unsettled -= 1;
    },
  );
}
await delay(30);
await embedder.stop();
await delay(0);
process.stdout.write(JSON.stringify(counts), () => process.exit());
