import { expect, test } from 'vitest';
import { runClosedLoop } from './closed-loop.ts';
import { createMessages } from '../harness/messages.ts';
import { parseMix } from './mix.ts';
import { Outcomes } from './outcomes.ts';
import { serve } from './testing/serve.ts';

test('sends as many requests as asked for, each answer counted under its kind', async () => {
  const paths = new Map<string, number>();
  const keys = new Set<unknown>();
  const url = await serve((request, response) => {
    const path = request.url ?? '';
    paths.set(path, (paths.get(path) ?? 0) + 1);
    keys.add(request.headers['x-api-key']);
    request.resume().on('end', () => response.writeHead(path.endsWith('search') ? 200 : 202).end('{}'));
  });

  const outcomes = new Outcomes({ warmupSeconds: 0, windowSeconds: 1 });
  const mix = parseMix('single=6,batch=1,search=3');
  const plan = { mix, messages: createMessages(4), firstMessage: 0, batchSize: 3, clients: 4, until: { requests: 40 } };
  await runClosedLoop({ url, apiKey: 'key' }, plan, outcomes);

  const { kinds, all, errors } = outcomes.result();
  expect(Object.fromEntries(paths)).toEqual({ '/v1/messages': 24, '/v1/messages/batch': 4, '/v1/memory/search': 12 });
  expect([kinds.single?.answered, kinds.batch?.answered, kinds.search?.answered]).toEqual([24, 4, 12]);
  expect(kinds.search?.statuses).toEqual({ 200: 12 });
  expect([all.answered, errors, [...keys]]).toEqual([40, 0, ['key']]);
});
