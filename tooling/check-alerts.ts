// Checks what Prometheus is given: configuration, alerts and their tests, the dashboard's queries. Needs promtool.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDashboardQueries } from './monitoring-files.ts';

const cwd = fileURLToPath(new URL('../deploy/', import.meta.url));

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).error === undefined;
}

function check(program: string, ...args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

/** Each query as a recording rule, so that promtool parses it. */
function checkDashboard(): void {
  const folder = mkdtempSync(join(tmpdir(), 'memory-layer-dashboard-'));
  try {
    const rules = readDashboardQueries().map((expr, index) => ({ record: `dashboard:query:${index}`, expr }));
    const file = join(folder, 'dashboard-queries.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    check('promtool', 'check', 'rules', file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isInstalled('promtool')) {
  check('promtool', 'check', 'config', 'prometheus/prometheus.yml');
  // Its key file is not there.
  check('promtool', 'check', 'config', '--syntax-only', 'prometheus/standalone.yml');
  check('promtool', 'test', 'rules', 'prometheus/alerts.test.yml');
  checkDashboard();
} else {
  console.log('test:alerts skipped: promtool is not installed (Debian: apt-get install prometheus)');
}
if (isInstalled('amtool')) check('amtool', 'check-config', 'alertmanager/alertmanager.yml');
else console.log('alertmanager.yml not checked: amtool is not installed (in Debian: prometheus-alertmanager)');
