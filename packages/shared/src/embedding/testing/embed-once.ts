/** Embeds one text with the bundled model in a process of its own. The model is kept in the folder given. */
import { createBundledEmbedder } from '../bundled/bundled-embedder.ts';

const embedder = createBundledEmbedder({ cacheDir: process.argv[2] ?? '', threads: 1 });
await embedder.start();
await embedder.embed(['hello'], { kind: 'passage' });
await embedder.stop();
