// Puts the package for npm together in dist/npm-package: the built services of the one-process mode as bundled
// dependencies, and what they need of others as plain ones. `pnpm pack` runs it after the build, then packs that folder.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = join(root, 'dist/npm-package');

const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string().optional(),
  license: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
});

async function readManifest(folder: string) {
  return manifestSchema.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
}

async function writeManifest(folder: string, manifest: object): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

interface Collected {
  /** Folders of the workspace, by package. */
  readonly bundled: Map<string, string>;
  /** What package.json says of the others: the versions that are installed here, which the tests have seen. */
  readonly others: Map<string, string>;
}

/** Follows the dependencies of a package of the workspace. */
async function collect(folder: string, found: Collected): Promise<void> {
  const { name, dependencies } = await readManifest(folder);
  found.bundled.set(name, folder);
  for (const [dependency, range] of Object.entries(dependencies)) {
    const place = join(folder, 'node_modules', dependency);
    if (!range.startsWith('workspace:')) found.others.set(dependency, await installedVersion(place, dependency));
    else if (!found.bundled.has(dependency)) await collect(await workspaceFolder(dependency), found);
  }
}

async function installedVersion(place: string, dependency: string): Promise<string> {
  const { name, version } = await readManifest(place);
  return name === dependency ? version : `npm:${name}@${version}`;
}

async function workspaceFolder(name: string): Promise<string> {
  const short = name.replace('@memory-layer/', '');
  const folder = [short, `packages/${short}`, `services/${short}`].map((path) => join(root, path)).find(existsSync);
  if (folder === undefined) throw new Error(`no folder of this workspace holds ${name}`);
  return folder;
}

/** The files of a package that run: what its sources were built to, or migrations as they are. */
async function copyPackage(name: string, folder: string): Promise<void> {
  const { version, license } = await readManifest(folder);
  const place = join(target, 'node_modules', name);
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) {
    await writeManifest(place, { name, version, license });
    const files = (await readdir(folder)).filter((file) => file.endsWith('.sql'));
    for (const file of files) await cp(join(folder, file), join(place, file));
    return;
  }
  const entry = existsSync(join(dist, 'index.js')) ? { '.': './dist/index.js' } : {};
  await writeManifest(place, { name, version, license, type: 'module', exports: { ...entry, './*': './dist/*.js' } });
  for (const file of await readdir(dist, { recursive: true })) {
    if (file.endsWith('.js') && hasSource(folder, file)) await cp(join(dist, file), join(place, 'dist', file));
  }
}

/** A build leaves what was made of sources that are gone. */
function hasSource(folder: string, file: string): boolean {
  const source = file.replace(/js$/, 'ts');
  return existsSync(join(folder, source)) || existsSync(join(folder, 'src', source));
}

const found: Collected = { bundled: new Map(), others: new Map() };
await collect(await workspaceFolder('@memory-layer/standalone'), found);
await rm(target, { recursive: true, force: true });
for (const [name, folder] of found.bundled) await copyPackage(name, folder);
const { name, version, description, license } = await readManifest(root);
await writeManifest(target, {
  name,
  version,
  description,
  license,
  type: 'module',
  bin: { [name]: `${name}.mjs` },
  engines: { node: '>=24' },
  scripts: { preinstall: 'node trim-onnxruntime.mjs .' },
  dependencies: Object.fromEntries([...found.others].toSorted(([a], [b]) => a.localeCompare(b))),
  bundleDependencies: [...found.bundled.keys()],
});
for (const file of [
  'README.md',
  'LICENSE',
  '.env.example',
  'tooling/trim-onnxruntime.mjs',
  `tooling/npm-package/${name}.mjs`,
]) {
  await cp(join(root, file), join(target, basename(file)));
}
