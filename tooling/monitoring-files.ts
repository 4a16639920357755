import { readFileSync } from 'node:fs';

const deploy = new URL('../deploy/', import.meta.url);

/** An alert of deploy/prometheus/alerts.yml. */
export interface Alert {
  readonly name: string;
  readonly expression: string;
  /** Its text, for looking at what else it says. */
  readonly text: string;
}

/** As the file is laid out: a list of alerts, each expression on one line or in a folded block. */
export function readAlerts(): Alert[] {
  const [, ...blocks] = readDeployed('prometheus/alerts.yml').split(/^ +- alert: /m);
  return blocks.map((text) => {
    const [, folded, line] = /^ +expr: (?:>-\n((?: {10,}.*\n)+)|(.+)\n)/m.exec(text) ?? [];
    return { name: text.split('\n', 1)[0] ?? '', expression: (folded ?? line ?? '').trim(), text };
  });
}

/** Every query of the dashboard, as Prometheus would be asked: variables stand for all, intervals for 5 minutes. */
export function readDashboardQueries(): string[] {
  const queries: string[] = [];
  JSON.parse(readDeployed('grafana/dashboards/memory-layer.json'), (key, value: unknown) => {
    if (key === 'expr' && typeof value === 'string') queries.push(value);
    return value;
  });
  return queries.map((query) => query.replaceAll('$__rate_interval', '5m').replaceAll('$service', '.*'));
}

export function readDeployed(path: string): string {
  return readFileSync(new URL(path, deploy), 'utf8');
}
