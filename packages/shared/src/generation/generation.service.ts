import { ConfigError } from '../config/load-config.ts';
import type { Embedder } from '../embedding/embedder.ts';
import { computeQueryCentre } from '../embedding/query-centre/query-centre.ts';
import { modelNameOf } from '../embedding/vector-space.ts';
import { AppError } from '../errors/app-error.ts';
import type { Generation, GenerationRepository } from './generation.repository.ts';

export interface GenerationServiceDeps {
  readonly generations: GenerationRepository;
  readonly embedder: Embedder;
}

export type GenerationService = ReturnType<typeof createGenerationService>;

/** Knows the active embedding generation, and makes the first one. */
export function createGenerationService({ generations, embedder }: GenerationServiceDeps) {
  let active: Generation | undefined;
  let centring: Promise<Float32Array> | undefined;

  async function resolve(): Promise<Generation> {
    let found = await generations.findActive();
    if (found === undefined) {
      await generations.insertActive(embedder.modelId, embedder.dimension);
      found = await generations.findActive();
    }
    if (found === undefined) throw new Error('no embedding generation could be made active');
    assertSameModel(found, embedder);
    return found;
  }

  async function freezeCentre(generation: Generation): Promise<Float32Array> {
    await generations.freezeQueryCentre(generation.generation, await computeQueryCentre(embedder));
    // Another process may have been first: its centre is the one that counts.
    const centre = (await generations.findActive())?.queryCentre;
    if (centre === undefined) throw new Error('the query centre was not stored');
    active = { ...generation, queryCentre: centre };
    return centre;
  }

  return {
    /**
     * Finds or makes the active generation and checks that it is the embedder's. Call once at start.
     * @throws ConfigError when the stored vectors are another model's.
     */
    async start(): Promise<Generation> {
      active = await resolve();
      return active;
    },

    /** @throws AppError `unavailable` before `start` has succeeded. */
    getActive(): Generation {
      if (active === undefined) {
        throw new AppError('unavailable', 'the embedding generation is not known yet', { retryAfterSeconds: 1 });
      }
      return active;
    },

    /**
     * What to subtract from query vectors. Computed with the embedder on the first call of the first
     * process ever, then read.
     * @throws AppError `embedding_unavailable` when it must be computed and the embedder fails.
     */
    async getQueryCentre(): Promise<Float32Array> {
      const generation = this.getActive();
      if (generation.queryCentre !== undefined) return generation.queryCentre;
      centring ??= freezeCentre(generation).finally(() => {
        centring = undefined;
      });
      return centring;
    },
  };
}

function assertSameModel(found: Generation, embedder: Embedder): void {
  if (found.modelId === embedder.modelId && found.dimension === embedder.dimension) return;
  throw new ConfigError(
    `this database holds vectors of ${found.modelId} (${found.dimension} dimensions), but ${embedder.modelId} ` +
      `(${embedder.dimension}) is configured. Set ${settingsToRestore(found, embedder)} back, ` +
      'or start with an empty database.',
  );
}

function settingsToRestore(found: Generation, embedder: Embedder): string {
  if (modelNameOf(found.modelId) !== modelNameOf(embedder.modelId)) {
    return 'MEMORY_EMBEDDING_PROVIDER and MEMORY_EMBEDDING_MODEL_NAME';
  }
  if (found.modelId === embedder.modelId) return 'MEMORY_EMBEDDING_DIMENSIONS';
  return 'MEMORY_EMBEDDING_QUERY_PREFIX, MEMORY_EMBEDDING_PASSAGE_PREFIX (empty is none) and MEMORY_EMBEDDING_POOLING';
}
