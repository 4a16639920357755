// node tooling/launch.mjs [--without-tools] PROGRAM [ARGUMENT…]: installs the dependencies when they are missing or stale,
// then runs the program with the Node of the workspace. `npm start` and `npm test` use it, so that Node and npm are all
// they need. Without tools, what only developing takes is left out: compiler, linter, test runner.
//
// Plain JavaScript that also an old Node can parse: it has to get as far as saying that it is too old.

const oldestNode = 18;
// An exact release, so that npx asks the registry for nothing once it has it.
const pnpm = 'pnpm@12.21.0';

const isWindows = process.platform === 'win32';

/** @param {readonly string[]} args */
async function launch(args) {
  const { fileURLToPath } = await import('node:url');
  const root = fileURLToPath(new URL('../', import.meta.url));
  const node = `${root}node_modules/node/bin/node${isWindows ? '.exe' : ''}`;
  const withoutTools = args[0] === '--without-tools';
  const command = withoutTools ? args.slice(1) : args;

  // pnpm has looked at the dependencies before it runs a script.
  const agent = process.env['npm_config_user_agent'];
  const isRunByPnpm = agent !== undefined && agent.startsWith('pnpm/');
  if (!isRunByPnpm && !(await isInstalled(root, node, withoutTools)) && !(await install(root, withoutTools))) {
    console.error(
      'memory-layer: the dependencies could not be installed: see above. A first start needs the network and a folder that can be written',
    );
    return 1;
  }
  // What V8 has compiled is kept, which spares a start a quarter of a second. Not in the folder for temporary files that
  // others write to as well.
  if (withoutTools) process.env['NODE_COMPILE_CACHE'] ??= `${root}.cache/node-compile`;
  return run(node, command);
}

/**
 * Whether node_modules is what pnpm-lock.yaml asks for: pnpm keeps the lockfile that it has installed in there.
 *
 * @param {string} root
 * @param {string} node
 * @param {boolean} withoutTools
 */
async function isInstalled(root, node, withoutTools) {
  const { existsSync, readFileSync } = await import('node:fs');
  if (!existsSync(node)) return false;
  try {
    const wanted = readFileSync(`${root}pnpm-lock.yaml`);
    const installed = readFileSync(`${root}node_modules/.pnpm/lock.yaml`);
    // Written when an installation ends.
    if (existsSync(`${root}${stateFile}`)) return wanted.equals(installed);
    return withoutTools && readFileSync(`${root}${stampFile}`, 'utf8') === (await stampOf(wanted, installed));
  } catch {
    return false;
  }
}

// pnpm's: it lets pnpm's scripts run without another look at the dependencies.
const stateFile = 'node_modules/.pnpm-workspace-state-v1.json';
// Of an installation without tools, whose lockfile is a part of the whole one.
const stampFile = 'node_modules/.memory-layer-without-tools';

/**
 * @param {Uint8Array} wanted
 * @param {Uint8Array} installed
 */
async function stampOf(wanted, installed) {
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(wanted).update(installed).digest('hex');
}

/**
 * @param {string} root
 * @param {boolean} withoutTools
 * @returns {Promise<boolean>} whether it could be done
 */
async function install(root, withoutTools) {
  const { existsSync, readFileSync, rmSync, writeFileSync } = await import('node:fs');
  const { spawnSync } = await import('node:child_process');
  console.log(`memory-layer: installing the dependencies with ${pnpm}; later starts need no network`);
  // Tools that are there stay.
  const isPart = withoutTools && !existsSync(`${root}${stateFile}`);
  // Nobody may be there to answer whether a node_modules of another kind may go.
  const command = ['--yes', pnpm, 'install', '--config.confirmModulesPurge=false', ...(isPart ? ['--prod'] : [])];
  const npx = isWindows ? 'npx.cmd' : 'npx';
  const { status } = spawnSync(npx, command, { cwd: root, stdio: 'inherit', shell: isWindows });
  if (status !== 0) return false;
  if (isPart) {
    const stamp = await stampOf(
      readFileSync(`${root}pnpm-lock.yaml`),
      readFileSync(`${root}node_modules/.pnpm/lock.yaml`),
    );
    writeFileSync(`${root}${stampFile}`, stamp);
    // Without it, the first script that pnpm runs installs the tools.
    rmSync(`${root}${stateFile}`);
  }
  return true;
}

/**
 * Runs the program until it ends, passing signals on.
 *
 * @param {string} node
 * @param {readonly string[]} command
 * @returns {Promise<number>} its exit code
 */
async function run(node, command) {
  const { spawn } = await import('node:child_process');
  const { constants } = await import('node:os');
  const child = spawn(node, command, { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // A terminal has sent Ctrl-C to the child as well, and vitest takes a second one for impatience.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // As a shell reports it.
    child.on('exit', (code, signal) => {
      if (code !== null) resolve(code);
      else resolve(signal === null ? 1 : 128 + constants.signals[signal]);
    });
  });
}

async function main() {
  try {
    process.exitCode = await launch(process.argv.slice(2));
  } catch (error) {
    console.error(`memory-layer: ${String(error)}`);
    process.exitCode = 1;
  }
}

const [major] = process.versions.node.split('.');
if (Number(major) < oldestNode) {
  console.error(
    `memory-layer: Node ${oldestNode} or later is needed to start it, and this is Node ${process.versions.node}`,
  );
  process.exitCode = 2;
} else {
  void main();
}
