import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file that imports another one, both relative to the folder that was read. Types count. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

const relativeImport = /(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*'(?<path>\.{1,2}\/[^']+\.ts)'/g;
const isLeftOut = (file: string) => /\.test\.ts$|(^|\/)(testing|node_modules|dist)\//.test(file);

/** All relative imports below a folder, without those of tests and their support. */
export function readImports(folder: URL): Import[] {
  const files = readdirSync(fileURLToPath(folder), { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts') && !isLeftOut(file))
    .flatMap((from) => {
      const text = readFileSync(new URL(from, folder), 'utf8');
      const paths = [...text.matchAll(relativeImport)].map((match) => match.groups?.['path'] ?? '');
      return paths.map((path) => ({ from, to: posix.join(posix.dirname(from), path) }));
    });
}

/**
 * Circles of imports that folders are part of. Within each folder, what stands in it is looked at: a file by itself, and
 * a folder with all that is below it. So a folder may import the types beside it and be imported by the service beside
 * it, and two folders may not import each other.
 *
 * @returns one line a circle: the folder that it is in, and the imports that make it.
 */
export function findFolderCircles(imports: readonly Import[]): string[] {
  const parents = new Set(imports.flatMap(({ from }) => ancestorsOf(from)));
  return [...parents].toSorted().flatMap((parent) => circlesIn(parent, imports));
}

function ancestorsOf(file: string): string[] {
  const folder = posix.dirname(file);
  return folder === '.' ? [''] : [`${folder}/`, ...ancestorsOf(folder)];
}

function circlesIn(parent: string, imports: readonly Import[]): string[] {
  const inside = imports.filter(({ from, to }) => from.startsWith(parent) && to.startsWith(parent));
  const edges = inside
    .map((one) => ({ ...one, a: entryIn(parent, one.from), b: entryIn(parent, one.to) }))
    .filter(({ a, b }) => a !== b);
  const targets = Map.groupBy(edges, ({ a }) => a);
  const reached = new Map([...targets.keys()].map((entry) => [entry, reachableFrom(entry, targets)]));
  const isInCircle = (a: string, b: string) => reached.get(a)?.has(b) === true && reached.get(b)?.has(a) === true;
  const circular = edges.filter(({ a, b }) => isInCircle(a, b));
  // Of those that reach each other, the first by name stands for all.
  const circles = Map.groupBy(
    circular,
    ({ a }) => [a, ...(reached.get(a) ?? [])].filter((b) => isInCircle(a, b)).toSorted()[0],
  );
  return [...circles.values()]
    .filter((circle) => circle.some(({ a }) => a.endsWith('/')))
    .map((circle) => `in ${parent || './'}: ${circle.map(({ from, to }) => `${from} imports ${to}`).join(', ')}`);
}

/** A file of the parent, or a folder of it with its slash. */
function entryIn(parent: string, file: string): string {
  const [first = '', ...rest] = file.slice(parent.length).split('/');
  return rest.length === 0 ? first : `${first}/`;
}

function reachableFrom(start: string, targets: ReadonlyMap<string, readonly { readonly b: string }[]>): Set<string> {
  const reached = new Set<string>();
  const open = [start];
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    for (const { b } of targets.get(entry) ?? []) {
      if (!reached.has(b)) open.push(b);
      reached.add(b);
    }
  }
  return reached;
}
