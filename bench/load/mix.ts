import type { Messages } from '../harness/messages.ts';
import { shuffled } from '../harness/random.ts';

/** What one request does. */
export const kinds = ['single', 'batch', 'search'] as const;
export type Kind = (typeof kinds)[number];

/** Shares of the kinds in all requests; they need not add up to anything. */
export type Mix = ReadonlyMap<Kind, number>;

export interface LoadRequest {
  readonly kind: Kind;
  readonly path: string;
  readonly body: string;
}

/** @throws when the text is not like `single=70,batch=5,search=25`. */
export function parseMix(text: string): Mix {
  const shares = text.split(',').map((item): [Kind, number] => {
    const [name, share = '1'] = item.split('=');
    const kind = kinds.find((known) => known === name);
    if (kind === undefined) throw new Error(`no kind ${name}: there are ${kinds.join(', ')}`);
    if (!(Number(share) > 0)) throw new Error(`the share of ${name} must be a number above 0`);
    return [kind, Number(share)];
  });
  return new Map(shares);
}

/** Kinds in random order, each as often as its share says. At least one of each, so it may be longer than asked for. */
export function sequence(mix: Mix, length: number, random: () => number): Kind[] {
  const total = mix.values().reduce((sum, share) => sum + share, 0);
  const counted = [...mix].flatMap(([kind, share]) =>
    Array.from({ length: Math.max(1, Math.round((share / total) * length)) }, () => kind),
  );
  return shuffled(counted, random);
}

/** Makes requests of a kind, with the messages that come next. @param searches bodies that searches take in turn. */
export function createRequests(
  messages: Messages,
  batchSize: number,
  firstMessage: number,
  searches?: readonly string[],
) {
  let number = firstMessage;
  let search = 0;
  return (kind: Kind): LoadRequest => {
    switch (kind) {
      case 'single':
        return { kind, path: '/v1/messages', body: JSON.stringify(messages(number++)) };
      case 'batch': {
        const batch = Array.from({ length: batchSize }, () => messages(number++));
        return { kind, path: '/v1/messages/batch', body: JSON.stringify({ messages: batch }) };
      }
      case 'search': {
        const given = searches?.[search++ % searches.length];
        if (given !== undefined) return { kind, path: '/v1/memory/search', body: given };
        const { tenant_id, content } = messages(number++);
        return { kind, path: '/v1/memory/search', body: JSON.stringify({ tenant_id, query: content.slice(0, 60) }) };
      }
    }
  };
}
