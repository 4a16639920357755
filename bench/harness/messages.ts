import { createRandom } from './random.ts';

/** A message as it is posted. */
export interface LoadMessage {
  readonly tenant_id: string;
  readonly conversation_id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

/** Messages by number: each content is different, and all are chat turns of 100 to 300 characters. */
export type Messages = (number: number) => LoadMessage;

const words = `
  the a to and of in we you it for on is with that my our was can this have be at about not from when they will
  meeting ticket coffee report weekend museum bridge garden tomato river kayak budget friday lisbon train hotel
  doctor sister brother birthday dinner recipe kitchen window project deadline invoice customer contract server
  laptop password holiday passport airport winter summer market guitar concert library chapter teacher school
  exam history science painting camera picture bicycle marathon training medicine allergy peanut chocolate
  vegetable restaurant neighbour apartment landlord mortgage insurance salary interview manager colleague
  presentation database deployment migration backup keyboard monitor battery charger headphones podcast
  documentary novel detective mountain glacier volcano island harbour sailing swimming tennis football
`
  .trim()
  .split(/\s+/);
const differentSentences = 2048;
const conversations = 97;

/** The number stands in the content: it makes messages different, also those of two runs. */
export function createMessages(tenants: number): Messages {
  const random = createRandom(tenants);
  const sentences = Array.from({ length: differentSentences }, () => sentence(random));
  return (number) => ({
    tenant_id: `load-${number % tenants}`,
    conversation_id: `c-${number % conversations}`,
    role: number % 2 === 0 ? 'user' : 'assistant',
    content: `${sentences[number % differentSentences]} (${number})`,
  });
}

/** Where a run's numbers begin: two runs within a day have different ones, and they stay short. */
export function firstNumber(): number {
  return Date.now() % 100_000_000;
}

/** Common words first, as in a language: squaring prefers the beginning of the list. */
function sentence(random: () => number): string {
  const length = 18 + Math.floor(random() * 30);
  return Array.from({ length }, () => words[Math.floor(random() ** 2 * words.length)]).join(' ');
}
