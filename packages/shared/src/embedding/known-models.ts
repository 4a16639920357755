import { bundledModel } from './bundled/bundled-model.ts';
import { modelNameOf, noPrefixes, type Pooling, type Prefixes, type Truncation } from './vector-space.ts';

/** What a search should know of the model whose vectors it compares. What nobody has measured is left out. */
export interface SearchDefaults {
  /** The weight `vector` where a request gives none. */
  readonly vectorWeight?: number;
  /** Plain cosine similarity that texts with nothing in common have: a `similarity_min` lies above it. */
  readonly unrelatedSimilarity?: number;
  /** Whether the query centre is subtracted from queries. */
  readonly centreQueries: boolean;
  /** It learned no other script: vectors of Chinese, Cyrillic or Arabic text say little. */
  readonly isLatinOnly?: boolean;
}

/** How a model is to be used, as its card says. */
export interface KnownModel {
  /** The maker's name of it. Copies of other owners are known by what stands behind the last slash. */
  readonly name: string;
  /** Names of the same model elsewhere, at Ollama for example. */
  readonly aliases?: readonly string[];
  /** Where the rest of the entry comes from. */
  readonly source: string;
  readonly dimension: number;
  /** Tokens that it sees of a text. */
  readonly maxTokens: number;
  readonly prefixes: Prefixes;
  /** The vector of the `last` token is made by model servers alone, and some models run at their maker's only. */
  readonly pooling: Pooling | 'last' | 'server';
  readonly truncation?: Truncation;
  /** Whether servers of this name take `dimensions`. */
  readonly sendDimension?: boolean;
  readonly search?: Partial<SearchDefaults>;
}

/**
 * The entry of a model, or undefined. Letter case and the owner before the last slash do not count.
 *
 * @param modelId a model's name, or the `modelId` of an embedder or a generation.
 */
export function knownModel(modelId: string): KnownModel | undefined {
  const wanted = shortName(modelNameOf(modelId));
  return knownModels.find(({ name, aliases = [] }) => shortName(name) === wanted || aliases.includes(wanted));
}

/** The defaults of the generation's model; of a model that is not known, those that hold for all. */
export function searchDefaults(modelId: string): SearchDefaults {
  return { centreQueries: true, ...knownModel(modelId)?.search };
}

function shortName(name: string): string {
  const last = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return last.replace(/(?::latest|-onnx)$/, '');
}

const hub = 'https://huggingface.co';

/** An entry of the hub: its card says all of it. */
function onHub(
  name: string,
  [dimension, maxTokens]: readonly [dimension: number, maxTokens: number],
  more: Partial<Omit<KnownModel, 'name' | 'source' | 'dimension' | 'maxTokens'>> = {},
): KnownModel {
  const source = `${hub}/${name}`;
  return { name, source, dimension, maxTokens, prefixes: noPrefixes, pooling: 'mean', ...more };
}

// Models of English alone.
const english = { search: { isLatinOnly: true } } as const;

const queryOnly = (query: string): Prefixes => ({ query, passage: '' });
const representSentence = queryOnly('Represent this sentence for searching relevant passages: ');
const webSearch = 'Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:';

const e5 = {
  prefixes: { query: 'query: ', passage: 'passage: ' },
  // "the cosine similarity scores distribute around 0.7 to 1.0": the FAQ of these cards.
  search: { unrelatedSimilarity: 0.7 },
} as const;
const e5English = { ...e5, search: { ...e5.search, ...english.search } } as const;
const bge = { ...english, prefixes: representSentence, pooling: 'cls' } as const;
const arctic = { ...english, prefixes: representSentence, pooling: 'cls' } as const;
const arctic2 = { prefixes: queryOnly('query: '), pooling: 'cls', truncation: { trainedFrom: 256 } } as const;
const nomic = { ...english, prefixes: { query: 'search_query: ', passage: 'search_document: ' } } as const;
const qwen3 = { prefixes: queryOnly(webSearch), pooling: 'last', truncation: { trainedFrom: 32 } } as const;

const openAi = {
  source: 'https://platform.openai.com/docs/guides/embeddings',
  maxTokens: 8191,
  prefixes: noPrefixes,
  pooling: 'server',
} as const;

export const knownModels: readonly KnownModel[] = [
  {
    name: bundledModel.modelId,
    source: `https://www.npmjs.com/package/${bundledModel.packageName}`,
    dimension: bundledModel.dimension,
    maxTokens: bundledModel.maxTokens,
    prefixes: noPrefixes,
    pooling: 'mean',
    ...english,
  },
  onHub('sentence-transformers/all-MiniLM-L6-v2', [384, 256], { ...english, aliases: ['all-minilm'] }),
  onHub('sentence-transformers/all-MiniLM-L12-v2', [384, 128], english),
  onHub('sentence-transformers/all-mpnet-base-v2', [768, 384], english),
  onHub('sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2', [384, 128]),
  onHub('sentence-transformers/paraphrase-multilingual-mpnet-base-v2', [768, 128]),
  onHub('intfloat/e5-small-v2', [384, 512], e5English),
  onHub('intfloat/e5-base-v2', [768, 512], e5English),
  onHub('intfloat/e5-large-v2', [1024, 512], e5English),
  onHub('intfloat/multilingual-e5-small', [384, 512], e5),
  onHub('intfloat/multilingual-e5-base', [768, 512], e5),
  onHub('intfloat/multilingual-e5-large', [1024, 512], e5),
  onHub('intfloat/multilingual-e5-large-instruct', [1024, 512], { ...e5, prefixes: queryOnly(`${webSearch} `) }),
  onHub('BAAI/bge-small-en-v1.5', [384, 512], bge),
  onHub('BAAI/bge-base-en-v1.5', [768, 512], bge),
  onHub('BAAI/bge-large-en-v1.5', [1024, 512], bge),
  onHub('BAAI/bge-m3', [1024, 8192], { pooling: 'cls' }),
  onHub('Snowflake/snowflake-arctic-embed-xs', [384, 512], arctic),
  onHub('Snowflake/snowflake-arctic-embed-s', [384, 512], arctic),
  onHub('Snowflake/snowflake-arctic-embed-m', [768, 512], arctic),
  onHub('Snowflake/snowflake-arctic-embed-m-v1.5', [768, 512], { ...arctic, truncation: { trainedFrom: 256 } }),
  onHub('Snowflake/snowflake-arctic-embed-l', [1024, 512], arctic),
  onHub('Snowflake/snowflake-arctic-embed-m-v2.0', [768, 8192], arctic2),
  onHub('Snowflake/snowflake-arctic-embed-l-v2.0', [1024, 8192], { ...arctic2, aliases: ['snowflake-arctic-embed2'] }),
  onHub('nomic-ai/nomic-embed-text-v1', [768, 8192], nomic),
  onHub('nomic-ai/nomic-embed-text-v1.5', [768, 8192], {
    ...nomic,
    aliases: ['nomic-embed-text', 'nomic-embed-text:v1.5'],
    truncation: { trainedFrom: 64, centred: true },
  }),
  onHub('thenlper/gte-small', [384, 512], english),
  onHub('thenlper/gte-base', [768, 512], english),
  onHub('thenlper/gte-large', [1024, 512], english),
  onHub('Alibaba-NLP/gte-base-en-v1.5', [768, 8192], { ...english, pooling: 'cls' }),
  onHub('Alibaba-NLP/gte-large-en-v1.5', [1024, 8192], { ...english, pooling: 'cls' }),
  onHub('Alibaba-NLP/gte-modernbert-base', [768, 8192], { ...english, pooling: 'cls' }),
  onHub('Alibaba-NLP/gte-multilingual-base', [768, 8192], { pooling: 'cls', truncation: { trainedFrom: 128 } }),
  onHub('mixedbread-ai/mxbai-embed-large-v1', [1024, 512], {
    ...bge,
    aliases: ['mxbai-embed-large'],
    truncation: { trainedFrom: 512 },
  }),
  onHub('google/embeddinggemma-300m', [768, 2048], {
    aliases: ['embeddinggemma', 'embeddinggemma:300m'],
    prefixes: { query: 'task: search result | query: ', passage: 'title: none | text: ' },
    truncation: { trainedFrom: 128 },
  }),
  onHub('Qwen/Qwen3-Embedding-0.6B', [1024, 32_768], { ...qwen3, aliases: ['qwen3-embedding:0.6b'] }),
  onHub('Qwen/Qwen3-Embedding-4B', [2560, 32_768], { ...qwen3, aliases: ['qwen3-embedding:4b'] }),
  onHub('Qwen/Qwen3-Embedding-8B', [4096, 32_768], { ...qwen3, aliases: ['qwen3-embedding:8b', 'qwen3-embedding'] }),
  { ...openAi, name: 'text-embedding-3-small', dimension: 1536, truncation: { trainedFrom: 256 }, sendDimension: true },
  { ...openAi, name: 'text-embedding-3-large', dimension: 3072, truncation: { trainedFrom: 256 }, sendDimension: true },
  { ...openAi, name: 'text-embedding-ada-002', dimension: 1536 },
];
