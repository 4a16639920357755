import { writeFile } from 'node:fs/promises';
import { drawPicture, type Series } from '../../load/picture.ts';
import { atMost, type Row } from '../row.ts';
import { cpuMeter, perItem, sampleLoad } from '../sample.ts';
import { mean } from '../statistics.ts';

const batchSize = 100;

interface Step {
  readonly stored: number;
  readonly wallUs: number;
  readonly cpuUs: Readonly<Record<string, number>>;
}

/** Does a message cost more when there are many? In batches, where the database is most of the cost. */
export const growth: Row = {
  name: 'growth',
  what: 'cost of a message as the tables grow (CPU of api, PostgreSQL and Redis; batches of 100)',
  baseline: 'the first window of messages',
  async measure(bench) {
    const { stack, options } = bench;
    const { windowMessages, batchClients } = options;
    await using api = await stack.start('api');
    const meter = cpuMeter(stack, { api: api.pid });
    const run = async (first: number, messages: number) => {
      const shape = ['--mix', 'batch', '--batch-size', `${batchSize}`, '--clients', `${batchClients}`];
      const args = [...shape, '--requests', `${Math.round(messages / batchSize)}`, '--first', `${first}`];
      const folder = bench.folderOf('growth-load');
      return sampleLoad({ stack, url: api.url, pids: {}, args, folder, itemsPerRequest: batchSize });
    };
    await run(90_000_000, windowMessages);
    await stack.forgetMessages();

    const steps: Step[] = [];
    let errors = 0;
    let before = meter();
    for (let stored = 0; stored < options.stored;) {
      const startedAt = performance.now();
      const sample = await run(stored, windowMessages);
      errors += sample.errors;
      if (sample.items === 0) throw new Error('nothing was stored');
      stored += sample.items;
      // From one step's end to the next one's: what the database does afterwards is somebody's cost too.
      const after = meter();
      const wallUs = ((performance.now() - startedAt) * 1000) / sample.items;
      steps.push({ stored, wallUs, cpuUs: perItem(before, after, sample.items) });
      before = after;
    }
    await writeFile(bench.folderOf('growth.svg'), draw(steps));
    const [first, ...later] = steps.map(totalCpu);
    const lastQuarter = later.slice(-Math.ceil(later.length / 4));
    return {
      seen: { steps },
      notes: [`the last quarter alone: ${(mean(lastQuarter) / (first ?? Number.NaN)).toFixed(2)}`],
      checks: [
        atMost('ratio of CPU a message', mean(later) / (first ?? Number.NaN), 1.25),
        atMost('errors', errors, 0),
      ],
    };
  },
};

function totalCpu({ cpuUs }: Step): number {
  return Object.values(cpuUs).reduce((sum, us) => sum + us, 0);
}

function draw(steps: readonly Step[]): string {
  const names = Object.keys(steps[0]?.cpuUs ?? {});
  const series = names.map((name): Series => ({
    name,
    points: steps.map((step) => [step.stored, step.cpuUs[name] ?? 0]),
  }));
  const axes = { xLabel: 'messages stored', xScale: 'linear', yScale: 'linear' } as const;
  return drawPicture('Cost of a message as the tables grow', [
    { ...axes, title: 'CPU', yLabel: 'microseconds a message', series },
    {
      ...axes,
      title: 'Wall time, with the start of the load generator',
      yLabel: 'microseconds a message',
      series: [{ name: 'all', points: steps.map(({ stored, wallUs }) => [stored, wallUs]) }],
    },
  ]);
}
