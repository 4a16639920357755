import { besideExpensiveWork, type Attack, type AttackContext } from '../attack.ts';
import { exchange, requestBytes } from '../connection.ts';

const maxContentCharacters = 100_000;
const searchableMs = 2000;
const stored = ['202', '503', 'under way at the end'];

/** One batch of long messages, and the embedding that it causes for the rest of the attack. */
async function flood(context: AttackContext, count: number, content: string): Promise<void> {
  const message = { conversation_id: 'flood', role: 'user', content };
  const body = { messages: Array.from({ length: count }, () => message) };
  const path = '/v1/messages/batch';
  const { outcome } = await exchange(context, requestBytes({ method: 'POST', path, key: context.keys.attacker, body }));
  context.count(outcome);
  if (context.signal.aborted) return;
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve, { once: true }));
}

export const attacks: readonly Attack[] = [
  {
    name: 'a batch of 150 messages of 100 000 characters to embed',
    seconds: 20,
    run: (context) => flood(context, 150, 'word '.repeat(maxContentCharacters / 5)),
    outcomes: stored,
    expected: ['202'],
    latency: besideExpensiveWork,
    searchableMs,
  },
  {
    name: 'eight messages of 99 990 characters that grow eighteenfold when they are normalised',
    seconds: 20,
    run: (context) => flood(context, 8, '\ufdfa'.repeat(99_990)),
    outcomes: stored,
    expected: ['202'],
    latency: besideExpensiveWork,
    searchableMs,
  },
];
