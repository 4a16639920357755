import type { StartStep } from './engine/open-cluster.ts';
import type { SharedUnit } from './engine/running-unit.ts';

/** What the engine's thread is started with. */
export interface EngineThreadData {
  readonly dataDir: string | undefined;
  readonly template: Uint8Array | undefined;
  readonly idleInTransactionTimeoutMs: number;
  readonly cancelKey: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** To the engine's thread. `client` is a number that the sender chooses. */
export type ToEngine =
  | { readonly kind: 'connect'; readonly client: number }
  | { readonly kind: 'data'; readonly client: number; readonly bytes: Uint8Array }
  /** The client has said all it had to say: run it, then forget the client. */
  | { readonly kind: 'finish'; readonly client: number }
  /** The client is gone: drop what is not running yet. */
  | { readonly kind: 'disconnect'; readonly client: number }
  | { readonly kind: 'dump'; readonly request: number }
  | { readonly kind: 'stop' };

/** From the engine's thread. An engine that crashes or does not start ends its thread with the error. */
export type FromEngine =
  | { readonly kind: 'step'; readonly step: StartStep }
  | { readonly kind: 'ready'; readonly running: SharedUnit }
  | { readonly kind: 'data'; readonly client: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end'; readonly client: number }
  | { readonly kind: 'dumped'; readonly request: number; readonly tarball: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'dump-failed'; readonly request: number; readonly message: string }
  | { readonly kind: 'stopped' };
