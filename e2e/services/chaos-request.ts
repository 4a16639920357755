import type { Random } from './chaos-random.ts';

/** Texts with it are refused by the embedding server until it is repaired. */
export const poison = 'poison';

/** A message as it is sent, known by its external_id. */
export interface SentMessage {
  readonly tenant_id: string;
  readonly conversation_id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly external_id: string;
}

/** A request that may have to be sent more than once. All of its messages are of one tenant. */
export interface ChaosRequest {
  readonly kind: 'single' | 'batch' | 'import';
  readonly messages: readonly SentMessage[];
  readonly idempotencyKey: string | undefined;
  /** Its client does not send it again when it is refused or lost. */
  readonly isAbandoned: boolean;
}

const largest = { single: 1, batch: 20, import: 60 } as const;
const words = ['harbour', 'garden', 'letter', 'winter', 'bridge', 'music', 'kitchen', 'journey', 'paper', 'river'];

export interface ChaosRequestOptions {
  /** Unique among all requests. */
  readonly name: string;
  readonly tenantId: string;
}

export function makeRequest({ name, tenantId }: ChaosRequestOptions, random: Random): ChaosRequest {
  const kind = random.pick(['single', 'single', 'single', 'batch', 'import'] as const);
  const messages = Array.from({ length: random.int(1, largest[kind]) }, (_, item): SentMessage => {
    const externalId = `${name}-${item}`;
    return {
      tenant_id: tenantId,
      conversation_id: `c${random.int(0, 9)}`,
      role: random.pick(['user', 'assistant']),
      content: contentOf(externalId, random),
      external_id: externalId,
    };
  });
  const takesKey = kind !== 'import' && random.chance(0.5);
  return { kind, messages, idempotencyKey: takesKey ? `key-${name}` : undefined, isAbandoned: random.chance(0.2) };
}

/** Now and then so long that it is embedded in several passages, now and then one that cannot be embedded. */
function contentOf(externalId: string, random: Random): string {
  const length = random.chance(0.02) ? 500 : 6;
  const text = Array.from({ length }, () => random.pick(words)).join(' ');
  return `${externalId}: ${text}${random.chance(0.01) ? ` ${poison}` : ''}.`;
}
