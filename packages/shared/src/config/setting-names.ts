/** Every variable that some process of memory-layer reads, in the order of .env.example. A test compares the two. */
export const settingNames: readonly string[] = [
  'MEMORY_ENVIRONMENT',
  'MEMORY_DATA_DIR',
  'MEMORY_LOG_LEVEL',
  'MEMORY_LOG_FORMAT',
  'MEMORY_SHUTDOWN_DEADLINE_MS',
  'MEMORY_DATABASE_URL',
  'MEMORY_DATABASE_POOL_SIZE',
  'MEMORY_DATABASE_PREPARED_POOL_SIZE',
  'MEMORY_DATABASE_CONNECT_TIMEOUT_MS',
  'MEMORY_DATABASE_IDLE_TIMEOUT_MS',
  'MEMORY_DATABASE_STATEMENT_TIMEOUT_MS',
  'MEMORY_DATABASE_MAX_LIFETIME_SECONDS',
  'MEMORY_DATABASE_KEEP_ALIVE',
  'MEMORY_READ_REPLICA_URLS',
  'MEMORY_READ_REPLICA_MAX_LAG_MS',
  'MEMORY_QUEUE',
  'MEMORY_REDIS_URL',
  'MEMORY_REDIS_PREFIX',
  'MEMORY_REDIS_TLS_CA_FILE',
  'MEMORY_REDIS_SENTINELS',
  'MEMORY_REDIS_SENTINEL_NAME',
  'MEMORY_REDIS_SENTINEL_USERNAME',
  'MEMORY_REDIS_SENTINEL_PASSWORD',
  'MEMORY_REDIS_CLUSTER_NODES',
  'MEMORY_API_PROCESSES',
  'MEMORY_OPS_HOST',
  'MEMORY_OPS_PORT',
  'MEMORY_HOST',
  'MEMORY_PORT',
  'MEMORY_API_KEYS',
  'MEMORY_TENANT_CREATION',
  'MEMORY_ENABLE_METRICS',
  'MEMORY_REQUEST_MAX_BYTES',
  'MEMORY_BATCH_MAX_BYTES',
  'MEMORY_KEY_BODY_BUFFER_BYTES',
  'MEMORY_BODY_BUFFER_BYTES',
  'MEMORY_METADATA_MAX_BYTES',
  'MEMORY_INGEST_WRITERS',
  'MEMORY_INGEST_QUEUE_BYTES',
  'MEMORY_IMPORT_STALL_SECONDS',
  'MEMORY_MAX_CONNECTIONS',
  'MEMORY_MAX_CONNECTIONS_PER_ADDRESS',
  'MEMORY_HEADERS_TIMEOUT_SECONDS',
  'MEMORY_KEEP_ALIVE_SECONDS',
  'MEMORY_ANSWER_STALL_SECONDS',
  'MEMORY_REQUEST_TIMEOUT_SECONDS',
  'MEMORY_GLOBAL_RATE_LIMIT',
  'MEMORY_KEY_RATE_LIMIT',
  'MEMORY_TENANT_RATE_LIMIT',
  'MEMORY_TENANT_CONCURRENCY',
  'MEMORY_SHARED_CONCURRENCY',
  'MEMORY_TENANT_QUEUE',
  'MEMORY_READ_CONCURRENCY',
  'MEMORY_TRUSTED_PROXIES',
  'MEMORY_HEALTH_EMBED_TIMEOUT_MS',
  'MEMORY_HEALTH_EMBED_CACHE_MS',
  'MEMORY_ALLOWED_ORIGINS',
  'MEMORY_SEARCH_LANGUAGE',
  'MEMORY_DECAY_HALF_LIFE_DAYS',
  'MEMORY_RANKING_WEIGHTS',
  'MEMORY_SEARCH_EMBEDDING_TIMEOUT_MS',
  'MEMORY_SEARCH_INDEX_BYTES',
  'MEMORY_SEARCH_VECTOR_CACHE_BYTES',
  'MEMORY_RERANK_PROVIDER',
  'MEMORY_RERANK_URL',
  'MEMORY_RERANK_API_KEY',
  'MEMORY_RERANK_MODEL_NAME',
  'MEMORY_RERANK_MODEL_PATH',
  'MEMORY_RERANK_CANDIDATES',
  'MEMORY_RERANK_TIMEOUT_MS',
  'MEMORY_EVENTS_POLL_MS',
  'MEMORY_EVENTS_MAX_STREAMS',
  'MEMORY_EVENTS_MAX_STREAMS_PER_TENANT',
  'MEMORY_EVENTS_MAX_STREAMS_PER_KEY',
  'MEMORY_EVENT_LOG_MINUTES',
  'MEMORY_AUDIT',
  'MEMORY_AUDIT_READS',
  'MEMORY_AUDIT_RETENTION_DAYS',
  'MEMORY_EMBEDDING_PROVIDER',
  'MEMORY_EMBEDDING_MODEL_NAME',
  'MEMORY_EMBEDDING_MODEL_PATH',
  'MEMORY_EMBEDDING_ALLOW_DOWNLOAD',
  'MEMORY_MODEL_CACHE_DIR',
  'MEMORY_EMBEDDING_DIMENSIONS',
  'MEMORY_EMBEDDING_MAX_TOKENS',
  'MEMORY_EMBEDDING_QUERY_PREFIX',
  'MEMORY_EMBEDDING_PASSAGE_PREFIX',
  'MEMORY_EMBEDDING_POOLING',
  'MEMORY_EMBEDDING_BASE_URL',
  'MEMORY_EMBEDDING_API_KEY',
  'MEMORY_EMBEDDING_THREADS',
  'MEMORY_EMBEDDING_NICE',
  'MEMORY_EMBEDDING_TIMEOUT_MS',
  'MEMORY_CIRCUIT_FAILURE_THRESHOLD',
  'MEMORY_CIRCUIT_RECOVERY_MS',
  'MEMORY_EMBEDDING_JOB_BATCH_SIZE',
  'MEMORY_EMBEDDING_JOB_CONCURRENCY',
  'MEMORY_EMBEDDING_JOB_MAX_ATTEMPTS',
  'MEMORY_EMBEDDING_JOB_RETRY_BACKOFF_MS',
  'MEMORY_EMBEDDING_LEASE_MS',
  'MEMORY_EMBEDDING_SWEEP_MS',
  'MEMORY_VECTOR_INDEX',
  'MEMORY_VECTOR_INDEX_MIN_VECTORS',
  'MEMORY_VECTOR_INDEX_MAX_TAIL',
  'MEMORY_VECTOR_INDEX_MEMORY_MB',
  'MEMORY_VECTOR_INDEX_PARALLEL_WORKERS',
  'MEMORY_VECTOR_INDEX_INTERVAL_MS',
  'MEMORY_RETENTION_MAX_AGE_DAYS',
  'MEMORY_RETENTION_AGE_OF',
  'MEMORY_RETENTION_IMPORTANCE_THRESHOLD',
  'MEMORY_RETENTION_DELETE_AFTER_DAYS',
  'MEMORY_RETENTION_SCHEDULE_SECONDS',
  'MEMORY_RETENTION_TENANTS',
  'MEMORY_RETENTION_BATCH_SIZE',
  'MEMORY_RETENTION_CONCURRENCY',
];

/** Read by clients of the API: the examples and the load generator. */
const clientNames = ['MEMORY_URL', 'MEMORY_API_KEY'];

/**
 * What Kubernetes and Docker set in a container of a service called `memory` or `memory-layer-…`, who set none of it:
 * `MEMORY_LAYER_API_SERVICE_HOST`, `MEMORY_PORT_8000_TCP_ADDR`.
 */
const serviceLink = /^MEMORY_LAYER_|_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT_\d+_(?:TCP|UDP)(?:_|$)/;

/** A line for each variable of memory-layer's prefix that nothing reads, with the one that was meant where it is near. */
export function unknownSettings(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set([...settingNames, ...clientNames]);
  return Object.keys(env)
    .filter((name) => name.startsWith(prefix) && !known.has(name) && !serviceLink.test(name))
    .map((name) => {
      const meant = nearest(name);
      return `${name}: no such setting${meant === undefined ? '; .env.example lists them all' : `: did you mean ${meant}?`}`;
    });
}

const prefix = 'MEMORY_';
// Beyond that, two names have little more than single letters in common.
const mostEdits = 0.5;

function nearest(name: string): string | undefined {
  const rest = name.slice(prefix.length);
  const ranked = settingNames
    .map((known) => {
      const other = known.slice(prefix.length);
      return { known, share: editDistance(rest, other) / Math.max(rest.length, other.length) };
    })
    .toSorted((a, b) => a.share - b.share);
  return ranked.find(({ share }) => share <= mostEdits)?.known;
}

/** Letters to insert, delete or replace to get from one text to the other (Levenshtein 1966), row by row. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index += 1) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (from[index] === to[column - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
