/// <reference lib="esnext.float16" />
import { kernelBinary } from './vector-kernel.wasm.ts';

interface KernelMemory {
  readonly buffer: ArrayBuffer;
  readonly grow: (pages: number) => number;
}

/** What `vector-kernel.wat` exports: addresses in bytes, lengths in components. */
interface Kernel {
  readonly memory: KernelMemory;
  readonly scan: (query: number, vectors: number, count: number, length: number, out: number) => void;
  readonly widen: (halves: number, singles: number, length: number) => void;
  readonly dot: (singles: number, halves: number, length: number) => number;
}

// What @types/node does not declare.
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

export interface VectorMemoryOptions {
  /** Components of each vector. */
  readonly dimension: number;
  /** Of vectors, in all sets together. */
  readonly maxBytes: number;
}

const pageBytes = 65_536;
/** Vectors of a set that lie one after the other. */
const blockVectors = 32;
// The kernel takes 16 components at a time.
const lane = 16;
// 127 times this, 4096 times over, is still a 32-bit integer.
const queryRange = 2047;
const byteRange = 127;
const growthPages = 16;
const halfvecHeaderBytes = 4;

/**
 * Memory of one process for vectors of many tenants, which is worked on by SIMD instructions: each vector as 8-bit
 * integers, to compare all with a query at a tenth of the time, and as it is stored, to compare the nearest exactly.
 */
export class VectorMemory {
  readonly dimension: number;
  readonly #kernel: Kernel;
  /** Components with the zeros that fill up the last lane. */
  readonly #length: number;
  readonly #maxBlocks: number;
  readonly #free: number[] = [];
  readonly #scratch: {
    readonly query: number;
    readonly single: number;
    readonly widened: number;
    readonly out: number;
  };
  readonly #firstBlock: number;
  #blocks = 0;
  #prepared: { readonly vector: Float32Array; readonly query: PreparedQuery } | undefined;

  constructor({ dimension, maxBytes }: VectorMemoryOptions) {
    this.dimension = dimension;
    this.#kernel = startKernel();
    this.#length = Math.ceil(dimension / lane) * lane;
    const [query, single, widened] = [0, 2 * this.#length, 6 * this.#length];
    const out = 10 * this.#length;
    this.#scratch = { query, single, widened, out };
    this.#firstBlock = Math.ceil((out + 4 * blockVectors) / pageBytes) * pageBytes;
    this.#maxBlocks = Math.floor(maxBytes / this.#blockBytes);
  }

  get #blockBytes(): number {
    return blockVectors * this.#length * 3;
  }

  createSet(): VectorSet {
    return new VectorSet({
      blockBytes: this.#blockBytes,
      take: () => this.#take(),
      give: (block) => void this.#free.push(block),
      store: (block, place, halfvec) => this.#store(block, place, halfvec),
      prepare: (vector) => this.#prepare(vector),
      scan: (block, count) => this.#scan(block, count),
      similarity: (block, place) => this.#dot(this.#scratch.single, block, place),
      similarityBetween: (one, other) => {
        this.#kernel.widen(this.#halvesAt(one.block, one.place), this.#scratch.widened, this.#length);
        return this.#dot(this.#scratch.widened, other.block, other.place);
      },
    });
  }

  /** @returns the address of a block; undefined when there is no room. */
  #take(): number | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#blocks >= this.#maxBlocks) return undefined;
    const address = this.#firstBlock + this.#blocks * this.#blockBytes;
    const missing = address + this.#blockBytes - this.#kernel.memory.buffer.byteLength;
    if (missing > 0) this.#kernel.memory.grow(Math.max(growthPages, Math.ceil(missing / pageBytes)));
    this.#blocks += 1;
    return address;
  }

  #halvesAt(block: number, place: number): number {
    return block + blockVectors * this.#length + place * this.#length * 2;
  }

  /** @returns what its 8-bit integers are to be multiplied by, and its length. */
  #store(block: number, place: number, halfvec: Uint8Array): StoredVector {
    const { buffer } = this.#kernel.memory;
    const address = this.#halvesAt(block, place);
    const halves = new Uint16Array(buffer, address, this.#length).fill(0);
    for (let at = 0; at < this.dimension; at += 1) {
      const byte = halfvecHeaderBytes + 2 * at;
      halves[at] = ((halfvec[byte] ?? 0) << 8) | (halfvec[byte + 1] ?? 0);
    }
    this.#kernel.widen(address, this.#scratch.widened, this.#length);
    const singles = new Float32Array(buffer, this.#scratch.widened, this.#length);
    let most = 0;
    for (let at = 0; at < singles.length; at += 1) most = Math.max(most, Math.abs(singles[at] ?? 0));
    const scale = most / byteRange;
    const bytes = new Int8Array(buffer, block + place * this.#length, this.#length);
    for (let at = 0; at < singles.length; at += 1) {
      bytes[at] = scale === 0 ? 0 : Math.round((singles[at] ?? 0) / scale);
    }
    return { scale, norm: Math.sqrt(this.#dot(this.#scratch.widened, block, place)) };
  }

  /** Vectors of queries are never written to: the one that was prepared last is there still. */
  #prepare(vector: Float32Array): PreparedQuery {
    if (this.#prepared?.vector === vector) return this.#prepared.query;
    const { buffer } = this.#kernel.memory;
    // The database rounds it to half precision, too.
    const singles = new Float32Array(buffer, this.#scratch.single, this.#length).fill(0);
    singles.set(new Float16Array(vector));
    let most = 0;
    let squares = 0;
    for (let at = 0; at < singles.length; at += 1) {
      const component = singles[at] ?? 0;
      most = Math.max(most, Math.abs(component));
      squares += component * component;
    }
    const scale = most / queryRange;
    const integers = new Int16Array(buffer, this.#scratch.query, this.#length);
    for (let at = 0; at < singles.length; at += 1) {
      integers[at] = scale === 0 ? 0 : Math.round((singles[at] ?? 0) / scale);
    }
    const query = { scale, norm: Math.sqrt(squares) };
    this.#prepared = { vector, query };
    return query;
  }

  #scan(block: number, count: number): Int32Array {
    this.#kernel.scan(this.#scratch.query, block, count, this.#length, this.#scratch.out);
    return new Int32Array(this.#kernel.memory.buffer, this.#scratch.out, count);
  }

  #dot(singles: number, block: number, place: number): number {
    return this.#kernel.dot(singles, this.#halvesAt(block, place), this.#length);
  }
}

interface StoredVector {
  readonly scale: number;
  readonly norm: number;
}

type PreparedQuery = StoredVector;

interface Place {
  readonly block: number;
  readonly place: number;
}

interface Blocks {
  readonly blockBytes: number;
  readonly take: () => number | undefined;
  readonly give: (block: number) => void;
  readonly store: (block: number, place: number, halfvec: Uint8Array) => StoredVector;
  readonly prepare: (vector: Float32Array) => PreparedQuery;
  readonly scan: (block: number, count: number) => Int32Array;
  readonly similarity: (block: number, place: number) => number;
  readonly similarityBetween: (one: Place, other: Place) => number;
}

/** Vectors of one tenant, by number. Each belongs to an owner, a number as well. */
export class VectorSet {
  readonly #memory: Blocks;
  readonly #blocks: number[] = [];
  readonly #scales: number[] = [];
  readonly #norms: number[] = [];
  /** -1 where there is no vector. */
  readonly #owners: number[] = [];
  readonly #free: number[] = [];
  #query: PreparedQuery = { scale: 0, norm: 0 };

  constructor(memory: Blocks) {
    this.#memory = memory;
  }

  get bytes(): number {
    return this.#blocks.length * this.#memory.blockBytes;
  }

  /**
   * @param halfvec as halfvec_send gives it, so that nothing is made of it on the way: dimension, a field not used, and
   * components, of two bytes each, the greater one first. Source: pgvector's halfvec.c.
   * @returns the vector's number; undefined when there is no room.
   */
  add(halfvec: Uint8Array, owner: number): number | undefined {
    const id = this.#free.pop() ?? this.#owners.length;
    if (id === this.#blocks.length * blockVectors) {
      const block = this.#memory.take();
      if (block === undefined) return undefined;
      this.#blocks.push(block);
    }
    const { block, place } = this.#placeOf(id);
    const { scale, norm } = this.#memory.store(block, place, halfvec);
    this.#scales[id] = scale;
    this.#norms[id] = norm;
    this.#owners[id] = owner;
    return id;
  }

  setOwner(id: number, owner: number): void {
    this.#owners[id] = owner;
  }

  remove(id: number): void {
    this.#owners[id] = -1;
    this.#free.push(id);
  }

  /** Gives all memory back. */
  clear(): void {
    for (const block of this.#blocks.splice(0)) this.#memory.give(block);
    this.#owners.length = 0;
    this.#free.length = 0;
  }

  /** Compares what follows with this vector, until another one is set for any set of the memory. */
  setQuery(vector: Float32Array): void {
    this.#query = this.#memory.prepare(vector);
  }

  /** Writes for each owner the greatest cosine of the query and its vectors, nearly: within some 0.003. */
  scan(into: Float32Array): void {
    const { scale, norm } = this.#query;
    for (const [index, block] of this.#blocks.entries()) {
      const first = index * blockVectors;
      const count = Math.min(blockVectors, this.#owners.length - first);
      const dots = this.#memory.scan(block, count);
      for (let place = 0; place < count; place += 1) {
        const id = first + place;
        const owner = this.#owners[id] ?? -1;
        if (owner < 0) continue;
        const near = ((dots[place] ?? 0) * scale * (this.#scales[id] ?? 0)) / (norm * (this.#norms[id] ?? 0) || 1);
        if (near > (into[owner] ?? 1)) into[owner] = near;
      }
    }
  }

  /** Cosine of the query and a vector, as the database computes it. */
  similarity(id: number): number {
    const { block, place } = this.#placeOf(id);
    return cosine(this.#memory.similarity(block, place), this.#query.norm * (this.#norms[id] ?? 0));
  }

  similarityBetween(one: number, other: number): number {
    const dot = this.#memory.similarityBetween(this.#placeOf(one), this.#placeOf(other));
    return cosine(dot, (this.#norms[one] ?? 0) * (this.#norms[other] ?? 0));
  }

  #placeOf(id: number): Place {
    return { block: this.#blocks[Math.floor(id / blockVectors)] ?? 0, place: id % blockVectors };
  }
}

// As pgvector: not a number for a vector of zeros, and never beyond 1.
function cosine(dot: number, norms: number): number {
  return Math.max(-1, Math.min(1, dot / norms));
}

function startKernel(): Kernel {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(kernelBinary, 'base64')));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what vector-kernel.wat exports.
  return exports as Kernel;
}
