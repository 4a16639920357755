import { setTimeout as sleep } from 'node:timers/promises';
import { nonEmpty } from '@memory-layer/shared/testing/non-empty';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../api-client.ts';
import { startEmbeddingServer, type EmbeddingServer } from '../embedding-server.ts';
import { operationsOf, readApiDocument, type ApiOperation } from './api-operations.ts';
import { answeredTo, attackTable, type Draft, type Row, type Things } from './attack-table.ts';
import { attacksOn, type Attack } from './attacks.ts';
import { marksIn, tenantsIn, withoutNames } from './compare-answers.ts';
import { IsolationReport } from './isolation-report.ts';
import { readEvents } from './read-events.ts';
import { sendDraft, type SentAnswer } from './send-draft.ts';
import { writtenForms } from './spellings.ts';
import { everythingOf, givenNames, ownEverything, poison, type Owned } from './tenants.ts';

/** A running product, embedded or as services. */
export interface Deployment {
  readonly url: string;
  /** Everything that each of its processes has printed so far. */
  readonly output: () => readonly string[];
  stop(): Promise<unknown>;
}

export type StartDeployment = (env: Readonly<Record<string, string>>) => Promise<Deployment>;

const document = operationsOf(readApiDocument());
const rows = new Map(Object.entries(attackTable));
const scopes = [...new Set(document.flatMap(({ scope }) => scope ?? []))];
// What reads comes first: what writes makes the lists of the one who asks longer.
const order = ({ method, id }: ApiOperation): number => (method === 'GET' || id.startsWith('search') ? 0 : 1);
const operations = document.toSorted((one, other) => order(one) - order(other));

const asking = givenNames('asking').tenant;
const nobody = givenNames('nobody');
const key = {
  operator: 'key-of-the-operator',
  asking: 'key-of-the-asking-one',
  victim: 'key-of-the-other-one',
  gone: 'key-of-the-gone-one',
};
const keyWith = (scope: string): string => `key-with-${scope.replace(':', '-')}-alone`;
const keyWithout = (scope: string): string => `key-without-${scope.replace(':', '-')}`;

/** Keys of the environment: of tenants, and for each scope one with it alone and one with all the others. */
function apiKeys(): string {
  const ofScopes = scopes.flatMap((scope) => {
    const others = scopes.filter((one) => one !== scope).join('+');
    return [`${keyWith(scope)}:${asking}:${scope}`, `${keyWithout(scope)}:${asking}:${others}`];
  });
  const ofTenants = (['asking', 'victim', 'gone'] as const).map((who) => `${key[who]}:${givenNames(who).tenant}`);
  return [key.operator, ...ofTenants, ...ofScopes].join(',');
}

function rowOf({ id }: ApiOperation): Row {
  const row = rows.get(id);
  if (row === undefined) throw new Error(`the table of attacks has no row for ${id}`);
  return row;
}

const atOnce = 4;
const pairs = 25;

/** Sends every request that names another tenant's things, and compares its answer with that for what does not exist. */
export function describeIsolation(name: string, start: StartDeployment): void {
  describe(`security: isolation of tenants, ${name}`, () => {
    let embedding: EmbeddingServer;
    let deployment: Deployment;
    let port: number;
    let own: Owned;
    let victim: Owned;
    let absent: Things;
    let marks: readonly string[];
    let before: Awaited<ReturnType<typeof everythingOf>>;
    let printedBefore: readonly number[];
    const report = new IsolationReport(name);

    const server = (who: keyof typeof key) => ({ url: deployment.url, apiKey: key[who] });

    beforeAll(async () => {
      embedding = await startEmbeddingServer();
      embedding.isPoison = (text) => text.includes(poison);
      deployment = await start({ ...embedding.env, ...settings, MEMORY_API_KEYS: apiKeys() });
      port = Number(new URL(deployment.url).port);
      own = await ownEverything(server('asking'), givenNames('asking'));
      victim = await ownEverything(server('victim'), givenNames('victim'));
      const gone = await ownEverything(server('gone'), givenNames('gone'), true);
      // A run is never gone.
      absent = {
        ...gone.things,
        ...nobody,
        run: gone.things.message,
        key: Array.from(gone.things.key).toReversed().join(''),
      };
      marks = [...Object.values(victim.things), ...victim.otherMessages];
      before = await everythingOf(server('victim'), victim);
      await sleep(500);
      printedBefore = deployment.output().map((text) => text.length);
    });
    afterAll(async () => {
      report.print();
      await deployment?.stop();
      await embedding?.stop();
    });

    /** The things of the one who asks; a message of its own for what takes it away. */
    async function ownThings(row: Row): Promise<Things> {
      if (row.consumesMessage !== true) return own.things;
      const body = { conversation_id: own.things.conversation, role: 'user', content: 'to be taken away' };
      const stored = await createApiClient(server('asking')).post('/v1/messages', body);
      return { ...own.things, message: stored.body.id };
    }

    const sendAttack = async (attack: Attack, other: Things): Promise<SentAnswer> => {
      const things = await ownThings(rowOf(attack.operation));
      return sendDraft(port, key.asking, attack.operation, attack.make(things, other));
    };

    /** @returns what an attack has told; nothing as a rule. */
    async function leaksOf(attack: Attack, other: Things, asked: readonly string[]): Promise<string[]> {
      const [real, none] = [await sendAttack(attack, other), await sendAttack(attack, absent)];
      const forms = (of: Things): string[] =>
        [attack.kind, 'tenant' as const].flatMap((kind) => writtenForms(of[kind], own.things[kind]));
      report.count(attack.operation, attack.kind, real.status);
      const isStream = real.headers.get('content-type') === 'text/event-stream';
      const [one, two] = [withoutNames(real, forms(other)), withoutNames(none, forms(absent))].map((answer) =>
        isStream ? { ...answer, body: '' } : answer,
      );
      const shown = `${JSON.stringify([...real.headers])} ${real.body}`;
      const others = real.status < 300 ? tenantsIn(real.body).filter((tenant) => tenant !== asking) : [];
      const statuses = rowOf(attack.operation).answered?.[attack.kind] ?? answeredTo[attack.kind];
      // Pages of failures go on by id, whosever it is, among one's own.
      const isList = attack.isPlain && !isStream && attack.kind !== 'failureCursor' && attack.kind !== 'key';
      const isRead = isList && order(attack.operation) === 0 && real.status === 200;
      const problems = [
        ...marksIn(shown, marks, asked).map((mark) => `shows ${mark}`),
        ...others.map((tenant) => `is about ${tenant}`),
        ...(JSON.stringify(one) === JSON.stringify(two)
          ? []
          : [`${JSON.stringify(one)} is not ${JSON.stringify(two)}`]),
        ...(real.status === 0 || real.status >= 500 ? [`status ${real.status}`] : []),
        ...(attack.isPlain && !statuses.includes(real.status) ? [`status ${real.status}`] : []),
        ...(isRead && !real.body.includes('"items":[]') ? [`is no empty list: ${real.body}`] : []),
      ];
      return problems.map((problem) => `${attack.operation.id}, ${attack.name}: ${problem}`);
    }

    test.each(operations.map((operation) => [operation.id, operation] as const))(
      '%s tells nothing of another tenant, and what is answered for its things is answered for what does not exist',
      async (_, operation) => {
        const attacks = attacksOn(operation, rowOf(operation));
        expect(attacks.length).toBeGreaterThan(5);
        const leaks: string[] = [];
        for (let n = 0; n < attacks.length; n += atOnce) {
          const some = attacks.slice(n, n + atOnce);
          const found = some.map((attack) => leaksOf(attack, victim.things, [victim.things[attack.kind]]));
          leaks.push(...(await Promise.all(found)).flat());
        }
        const onMessages = attacks.filter(({ kind, isPlain }) => kind === 'message' && isPlain);
        for (const message of victim.otherMessages) {
          for (const attack of onMessages) {
            leaks.push(...(await leaksOf(attack, { ...victim.things, message }, [message])));
          }
        }
        expect(leaks).toEqual([]);
      },
    );

    test('what was asked for is as it was', async () => {
      expect(await everythingOf(server('victim'), victim)).toEqual(before);
    });

    test('neither the logs nor the metrics of all that name the other tenant', async () => {
      // Processes write their logs a tenth of a second late.
      await sleep(1000);
      const printed = deployment
        .output()
        .map((text, n) => text.slice(printedBefore[n]))
        .join('\n');
      expect(printed.split('\n').filter((line) => line.includes('"msg":"request"')).length).toBeGreaterThan(500);
      expect(marksIn(printed, marks)).toEqual([]);
      const metrics = await createApiClient(server('operator')).get('/metrics');
      expect(metrics.body).toContain('aiml_requests_total');
      expect(marksIn(metrics.body, [...marks, asking])).toEqual([]);
    });

    test('a stream of events is that of its own tenant, wherever it begins', async () => {
      const begins = [undefined, own.things.eventId, victim.things.eventId, absent.eventId];
      const streams = begins.map((lastEventId) =>
        readEvents(server('asking'), { milliseconds: 3000, ...(lastEventId === undefined ? {} : { lastEventId }) }),
      );
      const watched = readEvents(server('victim'), { milliseconds: 3000 });
      await sleep(500);
      const body = { conversation_id: 'c', role: 'user', content: `${victim.things.tenant} has come` };
      const stored = await createApiClient(server('victim')).post('/v1/messages', body);
      await watched.firstId();
      expect(watched.text()).toContain(stored.body.id);
      await Promise.all(streams.map(({ ended }) => ended));
      for (const stream of nonEmpty(streams)) {
        expect(stream.status()).toBe(200);
        expect(marksIn(stream.text(), [...marks, stored.body.id])).toEqual([]);
      }
    });

    test('the time of an answer does not tell either', async () => {
      const read = operations.filter((operation) => order(operation) === 0 && operation.id !== 'streamEvents');
      const attacks = read.flatMap((operation) =>
        attacksOn(operation, rowOf(operation)).filter(({ isPlain }) => isPlain),
      );
      expect(attacks.length).toBeGreaterThan(8);
      for (const attack of attacks) {
        const times = { real: [] as number[], none: [] as number[] };
        for (let n = 0; n < pairs; n += 1) {
          times.real.push((await sendAttack(attack, victim.things)).milliseconds);
          times.none.push((await sendAttack(attack, absent)).milliseconds);
        }
        const { real, none } = report.time(attack, times);
        // So much that a busy machine does not fail it; the report shows the medians.
        expect({ attack: attack.name, isNear: Math.abs(real - none) < 20 + none / 2 }).toMatchObject({ isNear: true });
      }
    });

    test.skipIf(scopes.length === 0)(
      'a key without the scope of an operation is refused, whatever else it may do',
      async () => {
        const scoped = operations.filter(({ scope }) => scope !== undefined);
        expect(operations.filter(({ needsKey, scope }) => needsKey && scope === undefined)).toEqual([]);
        for (const operation of nonEmpty(scoped)) {
          const { id, scope = '' } = operation;
          const row = rowOf(operation);
          const ask = async (apiKey: string): Promise<number> => {
            const draft: Draft = row.request(await ownThings(row));
            return (await sendDraft(port, apiKey, operation, draft)).status;
          };
          const refused = await ask(keyWithout(scope));
          const allowed = await ask(keyWith(scope));
          expect({ id, scope, refused, allowed: allowed !== 401 && allowed < 500 }).toEqual({
            id,
            scope,
            refused: 403,
            allowed: true,
          });
        }
      },
    );
  });
}

const settings = {
  MEMORY_LOG_LEVEL: 'debug',
  MEMORY_LOG_FORMAT: 'json',
  MEMORY_EMBEDDING_SWEEP_MS: '100',
  MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS: '50',
  MEMORY_RETENTION_MAX_AGE_DAYS: '30',
  MEMORY_RETENTION_AGE_OF: 'created',
  MEMORY_RETENTION_IMPORTANCE_THRESHOLD: '0.35',
  MEMORY_RETENTION_DELETE_AFTER_DAYS: '90',
};
