/** A kind of request, repeated as fast as the clients can. */
export interface Scenario {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** One body a request, taken in turn. */
  readonly bodies: readonly string[];
}

const words = 'river kayak budget friday garden tomato lisbon meeting ticket coffee report weekend museum bridge'.split(
  ' ',
);
const tenants = 8;
const differentBodies = 500;

function sentence(seed: number): string {
  return Array.from({ length: 24 }, (_, n) => words[(seed * 7 + n * (seed % 11) + n) % words.length]).join(' ');
}

function message(seed: number) {
  return {
    tenant_id: `load-${seed % tenants}`,
    conversation_id: `c-${seed % 97}`,
    role: seed % 2 === 0 ? 'user' : 'assistant',
    content: `${sentence(seed)} (${seed})`,
  };
}

function bodies(make: (seed: number) => unknown): string[] {
  return Array.from({ length: differentBodies }, (_, seed) => JSON.stringify(make(seed)));
}

/** What can be run, by name. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  single: { method: 'POST', path: '/v1/messages', bodies: bodies(message) },
  batch: {
    method: 'POST',
    path: '/v1/messages/batch',
    bodies: bodies((seed) => ({ messages: Array.from({ length: 100 }, (_, n) => message(seed * 100 + n)) })),
  },
  search: {
    method: 'POST',
    path: '/v1/memory/search',
    bodies: bodies((seed) => ({ tenant_id: `load-${seed % tenants}`, query: sentence(seed).slice(0, 60) })),
  },
};
