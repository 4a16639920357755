import type { AttackContext } from '../attack.ts';
import { bodyOf, exchange, requestBytes } from '../connection.ts';

const maxBatchBytes = 15_000_000;
const maxBatchMessages = 1000;

/** Stores messages of the attacker's tenant, as many in a batch as it may hold. @throws when one is refused. */
export async function storeMessages(
  context: AttackContext,
  count: number,
  messageOf: (n: number) => { readonly content: string; readonly metadata?: object },
): Promise<void> {
  let batch: string[] = [];
  let bytes = 0;
  for (let n = 0; n < count; n += 1) {
    const message = JSON.stringify({ conversation_id: `c${n % 5}`, role: 'user', ...messageOf(n) });
    if (batch.length === maxBatchMessages || bytes + message.length > maxBatchBytes) {
      await storeBatch(context, batch);
      [batch, bytes] = [[], 0];
    }
    batch.push(message);
    bytes += message.length + 1;
  }
  await storeBatch(context, batch);
}

async function storeBatch(context: AttackContext, messages: readonly string[]): Promise<void> {
  const path = '/v1/messages/batch';
  const body = `{"messages":[${messages.join()}]}`;
  const answer = await exchange(context, requestBytes({ method: 'POST', path, key: context.keys.attacker, body }));
  if (answer.outcome !== '202') throw new Error(`storing answered ${answer.outcome}: ${answer.text.slice(0, 2000)}`);
}

/** Waits until nothing of the attacker's tenant is pending, or the time of the phase is over. */
export async function untilEmbedded(context: AttackContext): Promise<void> {
  const { keys, signal } = context;
  while (!signal.aborted) {
    const headers = { prefer: 'wait=10' };
    const body = { conversation_id: 'c0', role: 'user', content: `The last one of ${Date.now()}.` };
    const bytes = requestBytes({ method: 'POST', path: '/v1/messages', key: keys.attacker, headers, body });
    const { outcome, text } = await exchange(context, bytes);
    if (outcome === '200' || (outcome === '202' && JSON.stringify(bodyOf(text)).includes('"completed"'))) return;
  }
}
