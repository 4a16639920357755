import { runSql } from '@memory-layer/shared/testing/run-sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { eventually, untilEmbedded } from './ledger.ts';
import type { ServiceProcess } from './service-process.ts';
import { openDatabase, serversAreGiven, startReplicatedServers, type ReplicatedServers } from './servers.ts';
import { createStack, type Stack } from './stack.ts';

const tenantId = 'replicated';
const maxLagMs = 2000;

/** The tests follow one another: each leaves both replicas in use. */
describe.skipIf(!serversAreGiven)('read replicas', () => {
  let stack: Stack<ReplicatedServers>;
  let api: ServiceProcess;
  let client: ApiClient;

  beforeAll(async () => {
    stack = await createStack(await startReplicatedServers(2));
    await stack.migrate();
    const urls = stack.servers.standbys.map((standby) => standby.url).join(',');
    const env = {
      MEMORY_READ_REPLICA_URLS: urls,
      MEMORY_READ_REPLICA_MAX_LAG_MS: String(maxLagMs),
      // A tenant in memory asks the primary alone.
      MEMORY_SEARCH_INDEX_BYTES: '0',
    };
    [api] = await Promise.all([stack.start('api', env), stack.start('embed-worker')]);
    client = stack.clientOf(api);
    await untilInUse(1, 1);
  });
  afterAll(() => stack.close());

  async function metric(name: string): Promise<number | undefined> {
    const text = (await (await api.ops('/metrics'))?.text()) ?? '';
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }
  const reads = async (source: string) => (await metric(`memory_read_replica_reads_total{source="${source}"}`)) ?? 0;
  const up = (replica: number) => metric(`memory_read_replica_up{replica="${replica}"}`);
  const untilInUse = (first: number, second: number) =>
    eventually(`replicas in use: ${first}, ${second}`, async () => (await up(1)) === first && (await up(2)) === second);

  async function post(content: string): Promise<string> {
    const message = { tenant_id: tenantId, conversation_id: 'c', role: 'user', content };
    const answer = await client.post('/v1/messages', message);
    expect(answer.status).toBe(202);
    return answer.body.id;
  }

  async function search(query: string): Promise<string[]> {
    const answer = await client.post('/v1/memory/search', { tenant_id: tenantId, query, top_k: 5 });
    expect(answer.status).toBe(200);
    return answer.body.items.map((item: { content: string }) => item.content);
  }

  /** Asks each standby on a connection of the test's own. */
  async function askStandbys<Row>(text: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const rows: Row[] = [];
    for (const { url } of stack.servers.standbys) {
      const database = openDatabase(url);
      rows.push(...(await runSql<Row>(database.queries, text, parameters)));
      await database.stop();
    }
    return rows;
  }
  const pauseReplay = () => askStandbys('select pg_wal_replay_pause()');
  const resumeReplay = () => askStandbys('select pg_wal_replay_resume()');

  async function untilReplayed(): Promise<void> {
    const [written] = await runSql<{ at: string }>(stack.servers.db, 'select pg_current_wal_lsn()::text as at');
    await eventually('the standbys have caught up', async () => {
      const replayed = 'select pg_last_wal_replay_lsn() >= $1::pg_lsn as done';
      return (await askStandbys<{ done: boolean }>(replayed, [written?.at])).every(({ done }) => done);
    });
  }

  test('take the searches in turn; what is asked by id comes from the primary at once', async () => {
    await pauseReplay();
    const id = await post('The kayak is in the garden.');
    expect(await client.get(`/v1/messages/${id}?tenant_id=${tenantId}`)).toMatchObject({ status: 200 });
    expect((await client.listAll(tenantId)).map((message) => message.id)).toEqual([id]);
    await resumeReplay();
    await untilEmbedded(stack.servers.db, tenantId);
    await untilReplayed();
    await untilInUse(1, 1);
    const before = await reads('replica');
    for (let n = 0; n < 4; n++) expect(await search('Where is the kayak?')).toEqual(['The kayak is in the garden.']);
    expect(await reads('replica')).toBe(before + 4);
    const connected = `select 1 from pg_stat_activity where application_name = 'memory-layer api search'`;
    expect(await askStandbys(connected)).not.toEqual([]);
    expect(await runSql(stack.servers.db, connected)).toEqual([]);
  });

  test('that do not know of a deletion yet do not bring the message back, and others take its place', async () => {
    const kept = await Promise.all([1, 2, 3, 4, 5].map((n) => post(`Passport number ${n} is in drawer ${n}.`)));
    const secret = await post('Passport passport: my secret one is in the drawer.');
    await untilEmbedded(stack.servers.db, tenantId);
    await untilReplayed();
    expect(await search('secret passport drawer')).toContain('Passport passport: my secret one is in the drawer.');
    await pauseReplay();
    try {
      const before = await reads('replica');
      expect((await client.delete(`/v1/messages/${secret}?tenant_id=${tenantId}`)).status).toBe(204);
      const found = await search('secret passport drawer');
      expect(await reads('replica')).toBe(before + 1);
      expect(found.filter((content) => content.includes('secret'))).toEqual([]);
      expect(found).toHaveLength(kept.length);
      expect(await client.get(`/v1/messages/${secret}?tenant_id=${tenantId}`)).toMatchObject({ status: 404 });
    } finally {
      await resumeReplay();
    }
  });

  test('that lag too much are left out until they have caught up; the primary takes their searches', async () => {
    await untilInUse(1, 1);
    await pauseReplay();
    await post('The volcano on the island has erupted.');
    await untilEmbedded(stack.servers.db, tenantId);
    await untilInUse(0, 0);
    expect(await metric('memory_read_replica_lag_seconds{replica="1"}')).toBeGreaterThan(maxLagMs / 1000);
    const health = await client.get('/v1/admin/health');
    expect(health.body).toMatchObject({ status: 'degraded' });
    expect(JSON.stringify(health.body)).toContain('read replicas left out: 1 (lags), 2 (lags)');
    expect((await api.ops('/readyz'))?.status).toBe(200);
    const before = await reads('primary');
    expect(await search('volcano')).toContain('The volcano on the island has erupted.');
    expect(await reads('primary')).toBe(before + 1);
    await resumeReplay();
    await untilInUse(1, 1);
    expect((await client.get('/v1/admin/health')).body.status).toBe('ok');
    expect(await search('volcano')).toContain('The volcano on the island has erupted.');
  });

  test('one that is killed costs no search, and is used again when it is back', async () => {
    const [first] = stack.servers.standbys;
    const searching = new AbortController();
    const statuses = new Set<number>();
    const client8 = Array.from({ length: 8 }, async () => {
      while (!searching.signal.aborted) {
        const query = `tenant_id=${tenantId}&query=kayak&top_k=1`;
        statuses.add((await client.get(`/v1/memory/search?${query}`)).status);
      }
    });
    await first?.kill();
    await untilInUse(0, 1);
    const before = await reads('replica');
    await eventually('the other one goes on', async () => (await reads('replica')) > before);
    await first?.start();
    await untilInUse(1, 1);
    searching.abort();
    await Promise.all(client8);
    expect([...statuses]).toEqual([200]);
    expect(api.output()).not.toContain(new URL(stack.servers.databaseUrl).password);
  });

  test('one that is frozen is given up, and what it was asked is answered by the primary', async () => {
    const [first] = stack.servers.standbys;
    first?.freeze();
    const before = await reads('fallback');
    const answers = await Promise.all([1, 2, 3, 4].map(() => search('kayak')));
    expect(answers.every((found) => found.includes('The kayak is in the garden.'))).toBe(true);
    expect(await reads('fallback')).toBeGreaterThan(before);
    await untilInUse(0, 1);
    first?.thaw();
    await untilInUse(1, 1);
  });

  test('all of them gone: the primary searches', async () => {
    await Promise.all(stack.servers.standbys.map((standby) => standby.kill()));
    await untilInUse(0, 0);
    expect(await search('kayak')).toContain('The kayak is in the garden.');
    expect((await api.ops('/readyz'))?.status).toBe(200);
    expect(await api.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

describe.skipIf(!serversAreGiven)('what is no replica', () => {
  test('is left out: the primary itself, and a standby of another database', async () => {
    const [own, other] = await Promise.all([startReplicatedServers(0), startReplicatedServers(1)]);
    const stack = await createStack(own);
    try {
      await stack.migrate();
      const urls = [own.databaseUrl, other.standbys[0]?.url].join(',');
      const api = await stack.start('api', { MEMORY_READ_REPLICA_URLS: urls });
      const reasons = () => api.logs().filter(({ msg }) => msg === 'read replica left out');
      await eventually('both are judged', async () => reasons().length === 2);
      expect(reasons().map(({ reason }) => reason)).toEqual(['not_a_standby', 'other_database']);
    } finally {
      await stack.close();
      await other.close();
    }
  });
});
