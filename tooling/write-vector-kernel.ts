/** Writes services/api/search/in-memory/vector-kernel.wasm.ts from the text beside it: `pnpm vector-kernel`. */
import { readFile, writeFile } from 'node:fs/promises';
import createWabt from 'wabt';

const folder = new URL('../services/api/search/in-memory/', import.meta.url);
export const kernelFile = new URL('vector-kernel.wasm.ts', folder);

/** The text compiled to WebAssembly, as a module of TypeScript. */
export async function kernelModule(): Promise<string> {
  const wabt = await createWabt();
  const text = await readFile(new URL('vector-kernel.wat', folder), 'utf8');
  const compiled = wabt.parseWat('vector-kernel.wat', text, { simd: true });
  const { buffer } = compiled.toBinary({});
  compiled.destroy();
  const binary = Buffer.from(buffer).toString('base64');
  return `/** \`vector-kernel.wat\`, compiled: \`pnpm vector-kernel\` writes it. */\nexport const kernelBinary =\n  '${binary}';\n`;
}

if (import.meta.main) await writeFile(kernelFile, await kernelModule());
