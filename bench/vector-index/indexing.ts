import { segmentIndexName } from '@memory-layer/shared/vector-index/segment-index';
import { idAt } from '../harness/populate.ts';
import type { Session } from '../harness/session.ts';
import { rounded } from '../harness/statistics.ts';
import type { Line } from '../harness/table.ts';
import {
  build,
  insertVectors,
  large,
  segmentOf,
  small,
  split,
  tenantId,
  type NumberRange,
  type Size,
} from './one-tenant.ts';

const usual = { m: 16, efConstruction: 64 };

/** CPU of the server for a vector: stored without an index, into an index row by row, and by an index built at once. */
export async function compareIndexing(session: Session, fresh: readonly Float32Array[], { count, dimension }: Size) {
  const plain = await addRows(session, fresh, count + 1);
  const lines: Line[] = [];
  const say = (what: string, cpuMs: number) => {
    lines.push({ what, 'CPU ms a vector': rounded(cpuMs), 'times a plain insert': rounded(cpuMs / plain) });
    console.error(lines.at(-1));
  };
  const buildAll = async (range: NumberRange, graph: typeof small, whileThere?: () => Promise<void>) => {
    const size = Math.min(count, range.through - range.from);
    const name = `m ${graph.m}, ef_construction ${graph.efConstruction}`;
    say(`built at once, ${size}, ${name}`, (await build(session, range, { ...graph, dimension })) / size);
    await whileThere?.();
    await session.client.query(`drop index "${segmentIndexName(segmentOf(range))}"`);
  };
  say('plain insert of message and vector', plain);
  for (const graph of [small, usual]) {
    // Reaches beyond what is there, so that new rows come into it.
    await buildAll({ from: 0, through: 2 * count }, graph, async () =>
      say('row by row into that index', (await addRows(session, fresh, count + 1)) - plain),
    );
  }
  for (const graph of [small, large]) {
    for (const range of [...split(count, 1), ...split(count, 3)]) await buildAll(range, graph);
  }
  await buildAll({ from: 0, through: count }, large);
  say('plain insert again', await addRows(session, fresh, count + 1));
  return lines;
}

/** Adds rows to what is there, indexes and all, and takes them away. @returns CPU milliseconds a vector. */
async function addRows({ client, used }: Session, vectors: readonly Float32Array[], from: number): Promise<number> {
  const before = used();
  await insertVectors(client, vectors, from, 64);
  const cost = ((used() - before) * 1000) / vectors.length;
  await client.query('delete from message where tenant_id = $1 and id >= $2', [tenantId, idAt(from)]);
  return cost;
}
