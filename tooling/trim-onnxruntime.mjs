// node trim-onnxruntime.mjs FOLDER: removes what the ONNX Runtime that FOLDER would load brings for other platforms. It
// comes with the libraries of five, 240 MB more than one needs. After each `pnpm install`, whose store keeps it whole, and
// in the package for npm before the scripts of its dependencies run.
//
// Plain JavaScript for any Node that installs.

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/** @param {string} folder */
function find(folder) {
  try {
    return dirname(createRequire(join(folder, 'package.json')).resolve('onnxruntime-node/package.json'));
  } catch {
    return undefined; // A part of the workspace was installed.
  }
}

/** @param {string} folder */
function trim(folder) {
  const bin = join(folder, 'bin');
  const apis = readdirSync(bin).map((name) => join(bin, name));
  const platforms = apis.flatMap((api) => readdirSync(api).map((name) => join(api, name)));
  const builds = platforms.flatMap((platform) => readdirSync(platform).map((name) => join(platform, name)));
  const own = join(process.platform, process.arch);
  for (const build of builds.filter((name) => !name.endsWith(own))) rmSync(build, { recursive: true });
}

/**
 * Its script downloads CUDA's libraries on Linux, 300 MB, which nothing here loads, and fails where it cannot.
 * Not in place: pnpm's store has the same file.
 *
 * @param {string} folder
 */
function keepCudaOut(folder) {
  const script = join(folder, 'script/install.js');
  rmSync(script, { force: true });
  writeFileSync(script, '// memory-layer computes on the CPU.\n');
}

const folder = find(resolve(process.argv[2] ?? '.'));
if (folder !== undefined) {
  trim(folder);
  if (process.env['ONNXRUNTIME_NODE_INSTALL'] === undefined) keepCudaOut(folder);
}
