/**
 * Load over HTTP: many clients at once, one scenario after the other, against any deployment.
 *
 *   pnpm bench:load --key KEY [--url URL] [--clients 100] [--seconds 10] [--scenarios single,batch,search] [--out FILE]
 *
 * Rate limits of the deployment count: set them to `off` or read the 429s in the table.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { scenarios, type Scenario } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8000' },
    key: { type: 'string', default: process.env['MEMORY_API_KEY'] ?? '' },
    clients: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '10' },
    scenarios: { type: 'string', default: Object.keys(scenarios).join(',') },
    out: { type: 'string' },
  },
});

function run(scenario: Scenario): Promise<autocannon.Result> {
  return autocannon({
    url: values.url,
    connections: Number(values.clients),
    duration: Number(values.seconds),
    headers: { 'x-api-key': values.key, 'content-type': 'application/json' },
    requests: scenario.bodies.map((body) => ({ method: scenario.method, path: scenario.path, body })),
  });
}

const results: Record<string, autocannon.Result> = {};
for (const name of values.scenarios.split(',')) {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new Error(`no scenario ${name}: there are ${Object.keys(scenarios).join(', ')}`);
  console.error(`${name}: ${values.clients} clients for ${values.seconds} s`);
  results[name] = await run(scenario);
}

console.table(
  Object.entries(results).map(([scenario, result]) => ({
    scenario,
    clients: result.connections,
    'requests/s': Math.round(result.requests.average),
    'p50 ms': result.latency.p50,
    'p97.5 ms': result.latency.p97_5,
    'p99 ms': result.latency.p99,
    '2xx': result['2xx'],
    'not 2xx': result.non2xx,
    'no answer': result.errors + result.timeouts,
  })),
);
if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(results, null, 2)}\n`);
