// node tooling/trim-dependencies.mjs: removes what installed packages bring for other platforms. ONNX Runtime comes with
// the libraries of five, 240 MB more than one needs. After each `pnpm install`; pnpm's store keeps whole packages.
//
// Plain JavaScript for any Node that pnpm runs on.

import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../node_modules/.pnpm/', import.meta.url));

/** @param {string} folder */
function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return []; // Not installed: pnpm was asked for a part of the workspace.
  }
}

for (const name of list(packages).filter((entry) => entry.startsWith('onnxruntime-node@'))) {
  const bin = `${packages}${name}/node_modules/onnxruntime-node/bin`;
  for (const api of list(bin)) {
    const ofThisOne = `${process.platform}/${process.arch}`;
    for (const platform of list(`${bin}/${api}`)) {
      for (const arch of list(`${bin}/${api}/${platform}`)) {
        const folder = `${platform}/${arch}`;
        if (folder !== ofThisOne) rmSync(`${bin}/${api}/${folder}`, { recursive: true });
      }
    }
  }
}
