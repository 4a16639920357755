import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../packages/shared/src/observability/metrics.ts';
import { readAlerts, readDashboardQueries, readDeployed } from './monitoring-files.ts';
import { readSelection } from './promql.ts';

const alerts = readAlerts();
const dashboard = readDashboardQueries();
const operations = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8');

/** Labels that Prometheus adds, or that come with a histogram or an alert. */
const addedLabels = ['job', 'instance', 'service', 'le'];
/** Series that Prometheus makes itself. */
const builtIn: readonly [string, string[]][] = [
  ['up', addedLabels],
  ['ALERTS', ['alertname', 'alertstate']],
];

/** Every series that a process exposes, with its labels. */
async function exposedSeries(): Promise<Map<string, readonly string[]>> {
  const { registry } = createMetrics();
  const series = new Map<string, readonly string[]>(builtIn);
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const labels = [...labelsOf(registry.getSingleMetric(name)), ...addedLabels];
    // prom-client says `histogram` where its types have a number.
    const suffixes = String(type) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes) series.set(name + suffix, labels);
  }
  return series;
}

function labelsOf(metric: object | undefined): string[] {
  if (!metric || !('labelNames' in metric) || !Array.isArray(metric.labelNames)) throw new Error('no label names');
  return metric.labelNames.map(String);
}

/** What an expression reads that no process exposes. */
function findUnknown(expression: string, known: ReadonlyMap<string, readonly string[]>): string[] {
  const { selectors, groupings } = readSelection(expression);
  const available = new Set(selectors.flatMap(({ series }) => known.get(series) ?? []));
  return [
    ...selectors.filter(({ series }) => !known.has(series)).map(({ series }) => series),
    ...selectors.flatMap(({ series, labels }) =>
      labels.filter((label) => known.get(series)?.includes(label) === false).map((label) => `${series}{${label}}`),
    ),
    ...groupings.filter((label) => !available.has(label)).map((label) => `by (${label})`),
  ];
}

describe('what alerts and dashboard ask for', () => {
  test('is exposed, with those labels', async () => {
    const known = await exposedSeries();
    const expressions = [...alerts.map(({ expression }) => expression), ...dashboard];
    expect(expressions.length).toBeGreaterThan(40);
    expect(expressions.flatMap((expression) => findUnknown(expression, known))).toEqual([]);
  });

  test('would be noticed if it were not', async () => {
    const known = await exposedSeries();
    const wrong =
      'sum by (tenant) (rate(aiml_requests_total{path="a{b", verb="GET"}[5m])) / on () memory_no_such_thing > 1';
    expect(findUnknown(wrong, known)).toEqual(['memory_no_such_thing', 'aiml_requests_total{verb}', 'by (tenant)']);
    expect(findUnknown('', known)).toEqual([]);
  });

  test('includes every metric of ours, on the dashboard', async () => {
    const shown = new Set(dashboard.flatMap((query) => readSelection(query).selectors.map(({ series }) => series)));
    const metrics = createMetrics().registry.getMetricsAsArray();
    const missing = metrics
      .map(({ name }) => name)
      .filter((name) => /^(?:aiml|memory)_/.test(name))
      .filter((name) => ![name, `${name}_bucket`, `${name}_sum`].some((series) => shown.has(series)));
    expect(missing).toEqual([]);
  });
});

describe('every alert', () => {
  const tests = readDeployed('prometheus/alerts.test.yml');
  const anchors = new Set([...operations.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => toAnchor(heading)));

  test.each(alerts)('$name says how bad it is, what it means and what to do', ({ name, expression, text }) => {
    expect(expression).not.toBe('');
    expect(text).toMatch(/severity: (?:critical|warning)\b/);
    expect(text).toMatch(/^ +summary: \S/m);
    expect(text).toMatch(/^ +description: \S/m);
    const anchor = /^ +runbook_url: docs\/operations\.md#(\S+)$/m.exec(text)?.[1];
    expect(anchor).toBe(name.toLowerCase());
    expect(anchors).toContain(anchor);
  });

  test.each(alerts)('$name is seen to fire in a test', ({ name }) => {
    expect(tests).toContain(`{alertname="${name}"`);
  });
});

describe('what is put together', () => {
  test('the dashboard asks the datasource that is provisioned', () => {
    const uid = /^ +uid: (\S+)$/m.exec(readDeployed('grafana/provisioning/datasources/prometheus.yml'))?.[1];
    const asked = [
      ...readDeployed('grafana/dashboards/memory-layer.json').matchAll(/"type": "prometheus",\s*"uid": "([^"]+)"/g),
    ];
    expect(asked.length).toBeGreaterThan(40);
    expect(new Set(asked.map(([, found]) => found))).toEqual(new Set([uid]));
  });

  test('alerts that are named to silence others exist', () => {
    const named = readDeployed('alertmanager/alertmanager.yml').match(/MemoryLayer[^"]*/g) ?? [];
    const names = alerts.map(({ name }) => name);
    expect(named.length).toBeGreaterThan(3);
    for (const pattern of named) expect(names.some((name) => new RegExp(`^(?:${pattern})$`).test(name))).toBe(true);
  });
});

/** As GitHub makes the anchor of a heading. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
