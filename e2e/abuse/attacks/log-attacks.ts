import { besideABusyTenant, type Attack } from '../attack.ts';
import { flood, requestBytes } from '../connection.ts';

// Every request is a line of the log: more of them than a pipe holds.
const run: Attack['run'] = (context) => flood(context, 10, [requestBytes({ method: 'GET', path: '/v1/messages' })]);

const outcomes = ['401', '429', 'under way at the end'];

function logAttack(log: NonNullable<Attack['log']>, format: 'json' | 'pretty'): Attack {
  return {
    name: `the reader of the log (${format}) ${log === 'gone' ? 'goes away' : 'reads no more'}`,
    log,
    env: { MEMORY_LOG_FORMAT: format },
    seconds: 5,
    run,
    outcomes,
    expected: ['401'],
    latency: besideABusyTenant,
  };
}

export const attacks: readonly Attack[] = (['gone', 'unread'] as const).flatMap((log) => [
  logAttack(log, 'json'),
  logAttack(log, 'pretty'),
]);
