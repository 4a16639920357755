#!/usr/bin/env node
// `npx memory-layer`: the whole product in one process, with its data and its .env in the working folder.
//
// Plain JavaScript that also an old Node can parse: it has to get as far as saying that it is too old.

const oldestNode = 24;

async function main() {
  const [major] = process.versions.node.split('.');
  if (Number(major) < oldestNode) {
    const remedy = `npx -p node@${oldestNode} -p memory-layer memory-layer`;
    refuse(`Node ${oldestNode} or later is needed, and this is Node ${process.versions.node}: ${remedy}`);
  } else if (process.argv.length > 2) {
    refuse('takes no arguments; settings are MEMORY_ variables, of the environment or of .env');
  } else {
    await import(new URL('node_modules/@memory-layer/standalone/dist/main.js', import.meta.url).href);
  }
}

/** @param {string} reason */
function refuse(reason) {
  console.error(`memory-layer: ${reason}`);
  process.exitCode = 2;
}

void main();
