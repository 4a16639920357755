import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };
import { createApiKeyRepository } from '../keys/api-key.repository.ts';
import { createRetentionRunRepository } from '../retention/retention-run.repository.ts';
import { embedPending } from '../testing/embed-pending.ts';
import { keys, startTestApi, type TestApi } from '../testing/test-api.ts';
import { describeApi } from '../describe-api.ts';

// Every example of the document is sent as it stands, to an api over a database where the ids that it names exist.

interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, BodyContent>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

interface BodyContent {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

interface ExampleRequest {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body?: { readonly type: string; readonly text: string };
  /** Statuses of 2xx that the document gives it. */
  readonly expected: readonly number[];
}

const document = JSON.parse(await describeApi(manifest.version)) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};

const resolve = ({ $ref, ...schema }: Schema): Schema =>
  $ref === undefined ? schema : (document.components.schemas[$ref.replace('#/components/schemas/', '')] ?? {});
const valueOf = ({ schema }: Pick<Parameter, 'schema'>): unknown => schema.example ?? schema.default;

/** Bodies: the named examples, and each field's own example beside the fields that must be there. */
function* bodiesOf({
  requestBody,
}: Operation): Generator<readonly [string, { type: string; text: string } | undefined]> {
  if (requestBody === undefined) yield ['', undefined];
  for (const [type, { schema, examples = {} }] of Object.entries(requestBody?.content ?? {})) {
    for (const [name, { value }] of Object.entries(examples)) {
      yield [` ${name}`, { type, text: typeof value === 'string' ? value : JSON.stringify(value) }];
    }
    const { properties = {}, required = [] } = resolve(schema);
    const entries = Object.entries(properties).flatMap(([name, property]) =>
      property.example === undefined ? [] : [[name, property.example] as const],
    );
    const least = entries.filter(([name]) => required.includes(name) || name === 'tenant_id');
    if (least.length <= 1 && required.length > 0) continue;
    for (const entry of entries.filter((field) => !least.includes(field))) {
      yield [` field ${entry[0]}`, { type, text: JSON.stringify(Object.fromEntries([...least, entry])) }];
    }
  }
}

/** Parameters: all that have an example or a default, as the API reference fills them in; and each one alone. */
function* parametersOf({ parameters = [] }: Operation): Generator<readonly [string, readonly Parameter[]]> {
  const filled = parameters.filter((parameter) => valueOf(parameter) !== undefined);
  yield ['', filled];
  const least = filled.filter(({ required, name }) => required === true || name === 'tenant_id');
  for (const one of filled) if (!least.includes(one)) yield [` with ${one.name}`, [...least, one]];
}

const requests: ExampleRequest[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, operation]) => {
    const expected = Object.keys(operation.responses)
      .map(Number)
      .filter((status) => status < 300);
    return [...parametersOf(operation)].flatMap(([ofParameters, parameters]) =>
      [...bodiesOf(operation)].map(([ofBody, body]) => ({
        name: `${operation.operationId}${ofParameters}${ofBody}`,
        method: method.toUpperCase(),
        path,
        parameters,
        ...(body === undefined ? {} : { body }),
        expected,
      })),
    );
  }),
);

let api: TestApi;
let worker: NodeJS.Timeout;
beforeAll(async () => {
  api = await startTestApi();
  // `Prefer: wait` waits for an embed worker.
  worker = setInterval(() => void embedPending(api, 'acme').catch(() => undefined), 100);
});
afterAll(async () => {
  clearInterval(worker);
  await api.stop();
});

async function storeKey(keyId: string): Promise<void> {
  await api.db.deleteFrom('api_key').where('key_id', '=', keyId).execute();
  const key = { keyId, secretHash: Buffer.alloc(32), name: 'Named.', createdBy: 'test' };
  const grant = { tenants: ['acme'], scopes: ['search'] } as const;
  await createApiKeyRepository(api.db).insert({ ...key, ...grant, rate: undefined, expiresAt: undefined }, undefined);
}

/** Puts there what the ids of the examples name. */
async function storeNamed(parameter: string, id: string): Promise<void> {
  if (parameter === 'tenant_id') {
    await api.db
      .insertInto('tenant')
      .values({ tenant_id: id })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return;
  }
  if (parameter === 'key_id') return storeKey(id);
  const message = { tenant_id: 'acme', conversation_id: 'chat-42', role: 'user', content: 'Named.' };
  const { body } = await api.call('POST', '/v1/messages', { body: message });
  await api.db.deleteFrom('embedding').where('message_id', '=', body.id).execute();
  await api.db.deleteFrom('embedding_pending').where('message_id', '=', body.id).execute();
  await api.db.deleteFrom('message').where('id', '=', id).execute();
  await api.db.updateTable('message').set({ id }).where('id', '=', body.id).execute();
  await api.db.deleteFrom('retention_run').where('run_id', '=', id).execute();
  const run = { tenantId: 'acme', runId: id, actions: ['archive'], dryRun: true } as const;
  await createRetentionRunRepository(api.db).insert(run, undefined);
}

async function send({ method, path, parameters, body }: ExampleRequest): Promise<{ status: number; detail: string }> {
  const url = new URL(path, 'http://api.test');
  const headers = new Headers({ 'x-api-key': keys.unbound });
  for (const parameter of parameters) {
    const text = String(valueOf(parameter));
    if (parameter.in === 'path') url.pathname = url.pathname.replace(encodeURI(`{${parameter.name}}`), text);
    else if (parameter.in === 'query') url.searchParams.set(parameter.name, text);
    else headers.set(parameter.name, text);
  }
  if (body !== undefined) headers.set('content-type', body.type);
  const leaving = new AbortController();
  const init = { method, headers, signal: leaving.signal, ...(body === undefined ? {} : { body: body.text }) };
  const response = await api.fetch(new Request(url, init));
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const detail = isStream ? '' : await response.text();
  leaving.abort();
  if (isStream) await response.body?.cancel();
  return { status: response.status, detail };
}

test('there is an example of every operation', () => {
  const sent = new Set(requests.map(({ name }) => name.split(' ')[0]));
  const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map((o) => o.operationId));
  expect(sent).toEqual(new Set(ids));
  expect(requests.length).toBeGreaterThan(60);
});

test.each(requests)('$name is answered as documented', async (request) => {
  if (request.name.startsWith('createTenant')) await api.db.deleteFrom('tenant').execute();
  const id = request.parameters.find((parameter) => parameter.in === 'path');
  if (id !== undefined) await storeNamed(id.name, String(valueOf(id)));
  const { status, detail } = await send(request);
  expect({ status, detail }).toMatchObject({ status: expect.toSatisfy((is: number) => request.expected.includes(is)) });
  // An import answers 200 whatever became of its lines, and a batch 207.
  expect(detail).not.toMatch(/"status":"error"|"errors":\[\{/);
});
