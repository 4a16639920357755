import type { ApiOperation } from './api-operations.ts';

/** What a place of a request may name of a tenant. */
export type Kind =
  | 'tenant'
  | 'conversation'
  | 'message'
  | 'externalId'
  | 'idempotencyKey'
  | 'run'
  | 'key'
  | 'listCursor'
  | 'searchCursor'
  | 'failureCursor'
  | 'eventId';

/** What is answered to another tenant's thing in a documented place, spelled as it is. */
export const answeredTo: Readonly<Record<Kind, readonly number[]>> = {
  tenant: [403],
  message: [404],
  run: [404],
  key: [404],
  // An empty list; or a name that is free, since each tenant has its own.
  conversation: [200, 202],
  externalId: [200, 202],
  // Used again with another body, it is refused as one's own is.
  idempotencyKey: [202, 422],
  listCursor: [200],
  searchCursor: [422],
  failureCursor: [200],
  eventId: [200],
};

/** One value of every kind, of one tenant. */
export type Things = Readonly<Record<Kind, string>>;

/** A request, before it is written out. Values of path and query are percent-encoded already. */
export interface Draft {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: readonly (readonly [name: string, value: string])[];
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: unknown;
  /** The body as it is, in place of `body`. */
  readonly text?: string;
}

export interface Row {
  /** Places that name something of a tenant, and what. Those of a `line` are within a body that is a text of lines. */
  readonly names: Readonly<Record<string, Kind>>;
  /** Places that name nothing of a tenant, all fields within them included. */
  readonly namesNothing: readonly string[];
  /** A request that the tenant of these things may make. */
  readonly request: (own: Things) => Draft;
  /** Each request takes away what it names: it needs a message of its own. */
  readonly consumesMessage?: true;
  /** Statuses that a documented place may be answered with, where they are others than those of its kind. */
  readonly answered?: Readonly<Partial<Record<Kind, readonly number[]>>>;
}

const message = ({ conversation }: Things) => ({
  conversation_id: conversation,
  role: 'user',
  content: 'a message of the one who asks',
});

const messageFields = [
  'role',
  'content',
  'metadata',
  'importance_override',
  'importance',
  'created_at',
  'expires_at',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'name',
  'refusal',
  'annotations',
  'audio',
];
const fieldsAt = (pointer: string): string[] => messageFields.map((name) => `${pointer}${name}`);

const searchFields =
  'query query_syntax mode created_after created_before reference_time timezone decay_mode top_k candidate_limit importance_min ' +
  'min_importance importance_max neighbours group_by group_size similarity_min score_min min_confidence diversity half_life_days ' +
  'collapse rerank';
const inQuery = (names: string): string[] => names.split(' ').map((name) => `query ${name}`);
const inBody = (names: string): string[] => names.split(' ').map((name) => `body /${name}`);

/** Every operation of docs/openapi.json, and what each place of its request may name of another tenant. */
export const attackTable: Readonly<Record<string, Row>> = {
  createMessages: {
    names: {
      'body /messages/*/tenant_id': 'tenant',
      'body /messages/*/conversation_id': 'conversation',
      'body /messages/*/external_id': 'externalId',
      'header Idempotency-Key': 'idempotencyKey',
    },
    namesNothing: ['header Prefer', 'body /on_conflict', ...fieldsAt('body /messages/*/')],
    request: (own) => ({ body: { messages: [message(own)] } }),
    // An outcome an item.
    answered: { tenant: [207] },
  },
  importMessages: {
    names: {
      'query tenant_id': 'tenant',
      'query conversation_id': 'conversation',
      'line /tenant_id': 'tenant',
      'line /conversation_id': 'conversation',
      'line /external_id': 'externalId',
    },
    namesNothing: inQuery('format on_conflict timezone date_order dry_run skip'),
    request: (own) => ({ body: message(own) }),
    // An outcome a line.
    answered: { tenant: [200] },
  },
  createMessage: {
    names: {
      'body /tenant_id': 'tenant',
      'body /conversation_id': 'conversation',
      'body /external_id': 'externalId',
      'header Idempotency-Key': 'idempotencyKey',
    },
    namesNothing: ['header Prefer', 'body /on_conflict', ...fieldsAt('body /')],
    request: (own) => ({ body: message(own) }),
  },
  listMessages: {
    names: { 'query tenant_id': 'tenant', 'query conversation_id': 'conversation', 'query cursor': 'listCursor' },
    namesNothing: inQuery('limit order'),
    request: () => ({}),
  },
  getMessage: {
    names: { 'path id': 'message', 'query tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { id: own.message } }),
  },
  deleteMessage: {
    names: { 'path id': 'message', 'query tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { id: own.message } }),
    consumesMessage: true,
  },
  searchMemoryByQueryString: {
    names: { 'query tenant_id': 'tenant', 'query conversation_id': 'conversation', 'query cursor': 'searchCursor' },
    namesNothing: inQuery(`${searchFields} role`),
    request: () => ({ query: [['query', 'harbour']] }),
  },
  searchMemory: {
    names: {
      'body /tenant_id': 'tenant',
      'body /conversation_id': 'conversation',
      'body /conversation_ids/*': 'conversation',
      'body /cursor': 'searchCursor',
    },
    namesNothing: inBody(
      `${searchFields} role roles must must_not phrases metadata filter weights role_weights vector vector/*`,
    ),
    request: () => ({ body: { query: 'harbour' } }),
  },
  runRetention: {
    names: { 'body /tenant_id': 'tenant' },
    namesNothing: inBody('actions dry_run'),
    request: () => ({ body: { dry_run: true } }),
  },
  getRetentionRun: {
    names: { 'path run_id': 'run', 'query tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { run_id: own.run } }),
  },
  listFailedEmbeddings: {
    names: { 'query tenant_id': 'tenant', 'query cursor': 'failureCursor' },
    namesNothing: inQuery('limit'),
    request: () => ({}),
  },
  retryFailedEmbeddings: {
    names: { 'body /tenant_id': 'tenant', 'body /message_ids/*': 'message' },
    namesNothing: inBody('all'),
    request: (own) => ({ body: { message_ids: [own.message] } }),
    // Among the ids that were not found.
    answered: { message: [200] },
  },
  createKey: {
    names: { 'body /tenant_ids/*': 'tenant' },
    namesNothing: inBody('name scopes expires_at rate_limit'),
    request: () => ({ body: { name: 'a key', scopes: ['search'] } }),
  },
  listKeys: {
    names: { 'query cursor': 'key' },
    namesNothing: inQuery('limit'),
    request: () => ({}),
    // Pages go on by id, whosever it is, among the keys of one's own tenants.
    answered: { key: [200] },
  },
  getKey: { names: { 'path key_id': 'key' }, namesNothing: [], request: (own) => ({ path: { key_id: own.key } }) },
  rotateKey: {
    names: { 'path key_id': 'key' },
    namesNothing: inBody('overlap_seconds'),
    request: (own) => ({ path: { key_id: own.key }, body: {} }),
  },
  revokeKey: { names: { 'path key_id': 'key' }, namesNothing: [], request: (own) => ({ path: { key_id: own.key } }) },
  // Only keys of all tenants change what a tenant is.
  createTenant: {
    names: { 'body /tenant_id': 'tenant' },
    namesNothing: ['body /quotas'],
    request: (own) => ({ body: { tenant_id: own.tenant } }),
  },
  listTenants: {
    names: { 'query cursor': 'tenant' },
    namesNothing: inQuery('limit'),
    request: () => ({}),
    // Pages go on by id, whosever it is, among the tenants of one's key.
    answered: { tenant: [200] },
  },
  getTenant: {
    names: { 'path tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { tenant_id: own.tenant } }),
    answered: { tenant: [404] },
  },
  setTenantQuotas: {
    names: { 'path tenant_id': 'tenant' },
    namesNothing: inBody('max_messages max_bytes max_keys max_streams rate_limit'),
    request: (own) => ({ path: { tenant_id: own.tenant }, body: {} }),
  },
  suspendTenant: {
    names: { 'path tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { tenant_id: own.tenant } }),
  },
  resumeTenant: {
    names: { 'path tenant_id': 'tenant' },
    namesNothing: [],
    request: (own) => ({ path: { tenant_id: own.tenant } }),
  },
  listAuditEvents: {
    names: {
      'query tenant_id': 'tenant',
      'query actor_id': 'key',
      'query object_id': 'message',
      'query cursor': 'failureCursor',
    },
    namesNothing: inQuery('action object_type outcome since until order limit'),
    // What the attacks themselves are refused for makes the whole list longer.
    request: () => ({ query: [['action', 'key.create']] }),
    // Filters among the entries of one's own tenant.
    answered: { key: [200], message: [200] },
  },
  streamEvents: {
    names: { 'query tenant_id': 'tenant', 'header last-event-id': 'eventId' },
    namesNothing: inQuery('types'),
    request: () => ({}),
  },
  checkLiveness: { names: {}, namesNothing: [], request: () => ({}) },
  checkReadiness: { names: {}, namesNothing: [], request: () => ({}) },
  getHealth: { names: {}, namesNothing: [], request: () => ({}) },
  getReadiness: { names: {}, namesNothing: [], request: () => ({}) },
  getMetrics: { names: {}, namesNothing: [], request: () => ({}) },
};

/** Operations and places that the table does not speak of, and what it speaks of that is not there. */
export function uncovered(operations: readonly ApiOperation[], table: Readonly<Record<string, Row>>): string[] {
  const rows = new Map(Object.entries(table));
  const missing = operations.flatMap(({ id, places }) => {
    const row = rows.get(id);
    if (row === undefined) return [`${id}: has no row`];
    const spokenOf = [...Object.keys(row.names), ...row.namesNothing];
    const isWithin = (place: string): boolean =>
      spokenOf.includes(place) || row.namesNothing.some((outer) => place.startsWith(`${outer}/`));
    const gone = spokenOf.filter(
      (place) => !place.startsWith('line ') && !places.some((one) => one === place || one.startsWith(`${place}/`)),
    );
    return [
      ...places.filter((place) => !isWithin(place)).map((place) => `${id}: ${place} has no row`),
      ...gone.map((place) => `${id}: ${place} is not there`),
    ];
  });
  const known = new Set(operations.map(({ id }) => id));
  return [...missing, ...[...rows.keys()].filter((id) => !known.has(id)).map((id) => `${id}: is not there`)];
}
