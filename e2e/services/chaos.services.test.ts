import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { createHistory } from './chaos-history.ts';
import { listFaults, type Fault } from './chaos-faults.ts';
import { startChaosLoad, type ChaosLoad } from './chaos-load.ts';
import { sendRequest } from './chaos-client.ts';
import { createRandom } from './chaos-random.ts';
import { startEnvironment, type Environment } from './chaos-environment.ts';
import { countStored, countWrongVectors, findViolations } from './chaos-invariants.ts';
import { eventually } from './ledger.ts';
import { serversAreGiven, type Queries } from './servers.ts';

// The same seed has the same faults, in the same order. CHAOS_ROUNDS: how often each of them comes.
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const rounds = Number(process.env['CHAOS_ROUNDS'] ?? 1);
// A small file system to fill up, where mounting one is not allowed.
const mountPoint = process.env['CHAOS_DISK'];
const redisAwayMs = rounds > 1 ? 60_000 : 5000;
const minute = 60_000;

/** The tests follow one another: the first breaks everything, the others look at what is left. */
describe.skipIf(!serversAreGiven)(`chaos with seed ${seed}`, () => {
  const random = createRandom(seed);
  const history = createHistory();
  let environment: Environment;
  let load: ChaosLoad;
  let client: ApiClient;

  beforeAll(async () => {
    environment = await startEnvironment({ disk: { megabytes: 256 + 128 * rounds, mountPoint } });
    await environment.allReady();
    const chance = random.fork();
    const pickApi = () => ({ url: chance.pick(environment.apis).process.url, apiKey: environment.apiKey });
    load = startChaosLoad({ pickApi, history, random: random.fork() });
  });
  afterAll(() => environment.close());
  beforeEach(({ onTestFailed }) => onTestFailed(printErrors));

  let isPrinted = false;
  function printErrors(): void {
    if (!isPrinted) process.stdout.write(`${environment.errorsLogged().join('\n')}\n`);
    isPrinted = true;
  }

  /** The fault, and now and then another one beside it, of another victim. */
  function plan(): Fault[][] {
    const faults = listFaults(environment, { redisAwayMs });
    const order = Array.from({ length: rounds }, () => random.shuffle(faults)).flat();
    return order.map((fault) => {
      const other = random.pick(faults);
      return random.chance(0.3) && other.victim !== fault.victim ? [fault, other] : [fault];
    });
  }

  test(
    'messages go on being acknowledged after every fault',
    async () => {
      const schedule = plan();
      await history.untilAcknowledged(50);
      for (const [step, faults] of schedule.entries()) {
        const names = faults.map((fault) => fault.name).join(', and ');
        process.stdout.write(`chaos ${seed}, ${step + 1} of ${schedule.length}: ${names}\n`);
        await Promise.all(faults.map((fault) => fault.run(environment, random.fork())));
        await history.untilAcknowledged(50);
      }
      expect(history.contradictions()).toEqual([]);
      if (environment.disk === undefined) {
        process.stdout.write('the disk was never full: mount is not allowed, and CHAOS_DISK not set\n');
      }
    },
    rounds * 10 * minute,
  );

  test('when all is well again everything is delivered, and embedded or visibly failed', async () => {
    await environment.allReady();
    await load.stop();
    const [api] = environment.apis;
    if (api === undefined) throw new Error('there is no api');
    client = environment.stack.clientOf(api.process, environment.apiKey);
    await untilNonePending(environment.servers.db);
    expect((await findViolations(environment.servers.db, history)).slice(0, 20)).toEqual([]);
  });

  test('what failed is listed with its reason; repaired and retried, it is embedded', async () => {
    const { db } = environment.servers;
    const failed = await db.selectFrom('embedding_pending').select(['tenant_id', 'message_id']).execute();
    const tenants = history.tenants();
    const listed = (await Promise.all(tenants.map((tenantId) => listFailed(client, tenantId)))).flat();
    expect(listed.map((item) => item.message_id).toSorted()).toEqual(failed.map((row) => row.message_id).toSorted());
    expect(listed.filter((item) => !item.reason || item.attempts < 1)).toEqual([]);
    expect(listed.length).toBeGreaterThan(0);

    environment.embedding.isPoison = () => false;
    let retried = 0;
    for (const tenant_id of tenants) {
      const ids = failed.filter((row) => row.tenant_id === tenant_id).map((row) => row.message_id);
      const isNamed = ids.length > 0 && random.chance(0.5);
      retried += await retry(client, isNamed ? { tenant_id, message_ids: ids } : { tenant_id, all: true });
    }
    expect(retried).toBe(failed.length);
    await untilNonePending(db);
    expect(await db.selectFrom('embedding_pending').selectAll().execute()).toEqual([]);
  });

  test('acknowledged ⊆ stored ⊆ sent, each once, with its vectors', async ({ task }) => {
    const { db } = environment.servers;
    expect((await findViolations(db, history)).slice(0, 20)).toEqual([]);
    expect(await countWrongVectors(db, environment.embedding, 300)).toBe(0);
    const { stored, embedded, lost } = await countStored(db, history);
    const counts = history.counts();
    process.stdout.write(`chaos ${seed}: ${JSON.stringify(counts)}\n`);
    task.meta.ledger = {
      acknowledged: history.acknowledged.size,
      refused: counts['answered 503'] ?? 0,
      stored,
      embedded,
      lost,
    };
    expect(embedded).toBe(stored);
  });

  test('a request that was answered before is answered the same', async () => {
    const requests = [...history.keyed.values()].filter(history.isAcknowledged).slice(-100);
    expect(requests.length).toBeGreaterThan(20);
    const before = history.counts()['replayed'] ?? 0;
    const [api] = environment.apis;
    const to = { url: api?.process.url ?? '', apiKey: environment.apiKey };
    for (const request of requests) {
      expect(await sendRequest(request, to, history, { timeoutMs: 10_000 })).toBe('acknowledged');
    }
    expect(history.contradictions()).toEqual([]);
    expect((history.counts()['replayed'] ?? 0) - before).toBe(requests.length);
  });

  test('no job is left over', async () => {
    // BullMQ gives a dead worker's job back after half a minute.
    const patience = { timeout: 2 * minute, interval: 500 };
    await expect
      .poll(async () => (await client.get('/v1/admin/health')).body.backlog, patience)
      .toMatchObject({
        messages: { pending: 0, failed: 0, oldest_pending_seconds: 0 },
        embedding_jobs: { waiting: 0, active: 0, delayed: 0 },
      });
  });
});

/** What failed for good is not pending. */
async function untilNonePending(db: Queries): Promise<void> {
  const pending = db.selectFrom('embedding_pending').select('message_id').where('state', '=', 'pending').limit(1);
  await eventually('nothing is pending', async () => (await pending.execute()).length === 0, 2 * minute);
}

interface ListedFailure {
  readonly message_id: string;
  readonly reason: string | null;
  readonly attempts: number;
}

async function listFailed(client: ApiClient, tenantId: string): Promise<ListedFailure[]> {
  const items = [];
  let cursor = '';
  do {
    const page = await client.get(`/v1/admin/embeddings/failed?tenant_id=${tenantId}&limit=20${cursor}`);
    expect(page.status).toBe(200);
    items.push(...page.body.items);
    cursor = page.body.next_cursor === null ? '' : `&cursor=${page.body.next_cursor}`;
  } while (cursor !== '');
  return items;
}

async function retry(client: ApiClient, body: object): Promise<number> {
  const answer = await client.post('/v1/admin/embeddings/retry', body);
  expect(answer).toMatchObject({ status: 200, body: { not_found: [], not_failed: [], remaining: false } });
  return answer.body.retried;
}
