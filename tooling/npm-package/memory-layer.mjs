#!/usr/bin/env node
// `npx memory-layer`: the whole product in one process, with its data and its .env in the working folder.
//
// Plain JavaScript that also an old Node can parse: it has to get as far as saying that it is too old.

import { fileURLToPath } from 'node:url';

const oldestNode = 24;

async function main() {
  const [major] = process.versions.node.split('.');
  if (Number(major) < oldestNode) {
    const remedy = `npx -p node@${oldestNode} -p memory-layer memory-layer`;
    refuse(`Node ${oldestNode} or later is needed, and this is Node ${process.versions.node}: ${remedy}`);
  } else if (process.argv.length > 2) {
    refuse('takes no arguments; settings are MEMORY_ variables, of the environment or of .env');
  } else {
    // What V8 has compiled is kept, which spares a start a quarter of a second. Without a place to write there is none.
    const { enableCompileCache } = await import('node:module');
    enableCompileCache(fileURLToPath(new URL('.cache/', import.meta.url)));
    await import(new URL('node_modules/@memory-layer/standalone/dist/main.js', import.meta.url).href);
  }
}

/** @param {string} reason */
function refuse(reason) {
  console.error(`memory-layer: ${reason}`);
  process.exitCode = 2;
}

void main();
