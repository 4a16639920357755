import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { GenerationService } from '@memory-layer/shared/generation/generation.service';
import type { Metrics } from '@memory-layer/shared/observability/metrics';
import type { Embedder } from '@memory-layer/shared/embedding/embedder';
import { normalise } from '@memory-layer/shared/embedding/vector';
import { centreQuery } from '@memory-layer/shared/embedding/query-centre/query-centre';
import { SharedCall } from './shared-call.ts';

/** A query as the model sees it, and the form that is compared with messages for ranking. Shared: never written to. */
export interface QueryVector {
  /** The generation whose vectors it may be compared with. */
  readonly generation: number;
  /** As the model gives it, length 1. */
  readonly plain: Float32Array;
  /** Less what all questions have in common. */
  readonly centred: Float32Array;
}

export interface QueryVectorsDeps {
  /** Guarded by a timeout and a circuit breaker. */
  readonly embedder: Embedder;
  readonly generations: Pick<GenerationService, 'getActive' | 'getQueryCentre'>;
  /** Memory for vectors that were asked for before, the least recently used going first; 0: none is kept. */
  readonly maxCacheBytes: number;
  readonly metrics: Pick<Metrics, 'queryVectors'>;
}

/** Keys, list and map around an entry. */
const entryOverheadBytes = 400;

/**
 * Vectors of queries, each computed once: cached by text, and one computation serves all who ask for the same text
 * meanwhile. What was computed for one generation is never given for another.
 */
export class QueryVectors {
  readonly #deps: QueryVectorsDeps;
  readonly #cache: LRUCache<string, QueryVector> | undefined;
  readonly #pending = new Map<string, SharedCall<QueryVector>>();

  constructor(deps: QueryVectorsDeps) {
    this.#deps = deps;
    const { maxCacheBytes } = deps;
    this.#cache = maxCacheBytes > 0 ? new LRUCache({ maxSize: maxCacheBytes }) : undefined;
  }

  /**
   * The vector of a query. A query that is longer than the model's window is embedded in passages, and their mean is
   * taken, so that none of it is lost.
   *
   * @throws AppError `embedding_unavailable` or `embedding_rejected`; the signal's reason, which fails nobody else.
   */
  async find(query: string, signal: AbortSignal): Promise<QueryVector> {
    signal.throwIfAborted();
    const { generation } = this.#deps.generations.getActive();
    const text = query.trim();
    const key = keyOf(text, generation);
    const known = this.#cache?.get(key);
    const running = this.#pending.get(key);
    const shared = running?.cancelled === false ? running : undefined;
    const computed = shared === undefined ? 'model' : 'shared';
    this.#deps.metrics.queryVectors.inc({ source: known === undefined ? computed : 'cache' });
    return known ?? (shared ?? this.#begin(key, text, generation)).join(signal);
  }

  /** The vector that a caller has made of a query. @param components as many as the active generation's vectors have. */
  async from(components: Float32Array): Promise<QueryVector> {
    const { generations } = this.#deps;
    const { generation } = generations.getActive();
    const plain = normalise(components);
    return { generation, plain, centred: centreQuery(plain, await generations.getQueryCentre()) };
  }

  #begin(key: string, text: string, generation: number): SharedCall<QueryVector> {
    const call = new SharedCall((signal) => this.#compute(text, generation, signal));
    this.#pending.set(key, call);
    void this.#forgetWhenSettled(key, call);
    return call;
  }

  async #compute(text: string, generation: number, signal: AbortSignal): Promise<QueryVector> {
    const { embedder, generations } = this.#deps;
    const passages = await embedder.split(text, { kind: 'query', signal });
    const vectors = await embedder.embed(passages, { kind: 'query', signal });
    const plain = meanDirection(vectors, embedder.dimension);
    const centred = centreQuery(plain, await generations.getQueryCentre());
    // The centre is the active generation's: when that changed meanwhile, the vector belongs to neither.
    const active = generations.getActive().generation;
    if (active !== generation) return this.#compute(text, active, signal);
    return this.#keep(keyOf(text, generation), { generation, plain, centred });
  }

  #keep(key: string, vector: QueryVector): QueryVector {
    const vectors = [vector.plain, vector.centred];
    const size = vectors.reduce((sum, each) => sum + each.byteLength, entryOverheadBytes);
    this.#cache?.set(key, vector, { size });
    return vector;
  }

  async #forgetWhenSettled(key: string, call: SharedCall<QueryVector>): Promise<void> {
    await call.settled;
    if (this.#pending.get(key) === call) this.#pending.delete(key);
  }
}

/** The text itself is not kept: a digest is enough. */
function keyOf(text: string, generation: number): string {
  return hash('sha256', `${generation}\0${text}`, 'base64');
}

/** Always an array of its own: a vector may be a view of a whole batch, which a cache would keep alive. */
function meanDirection(vectors: readonly Float32Array[], dimension: number): Float32Array {
  const [first] = vectors;
  if (vectors.length === 1 && first !== undefined) return first.slice();
  const sum = new Float32Array(dimension);
  for (const vector of vectors) for (const [index, value] of vector.entries()) sum[index] = (sum[index] ?? 0) + value;
  const length = Math.hypot(...sum);
  return length === 0 ? sum : sum.map((value) => value / length);
}
