/** Writes services/api/search/in-memory/vector-kernel.wasm.ts from the text beside it: `pnpm vector-kernel`. */
import { readFile, writeFile } from 'node:fs/promises';
import createWabt from 'wabt';

const folder = new URL('../services/api/search/in-memory/', import.meta.url);

/** The text as a module of WebAssembly, in base64. */
export async function compileVectorKernel(): Promise<string> {
  const wabt = await createWabt();
  const text = await readFile(new URL('vector-kernel.wat', folder), 'utf8');
  const module = wabt.parseWat('vector-kernel.wat', text, { simd: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return Buffer.from(buffer).toString('base64');
}

if (import.meta.main) {
  const binary = await compileVectorKernel();
  await writeFile(
    new URL('vector-kernel.wasm.ts', folder),
    `/** \`vector-kernel.wat\`, compiled: \`pnpm vector-kernel\` writes it. */\nexport const kernelBinary =\n  '${binary}';\n`,
  );
}
