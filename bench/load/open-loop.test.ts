import { describe, expect, test } from 'vitest';
import { createMessages } from '../harness/messages.ts';
import { parseMix } from './mix.ts';
import { runOpenLoop } from './open-loop.ts';
import { Outcomes } from './outcomes.ts';
import { serve } from './testing/serve.ts';

function plan(rate: number, seconds: number, clients = 4) {
  const mix = parseMix('single');
  return { mix, messages: createMessages(2), firstMessage: 0, batchSize: 1, rate, seconds, clients };
}

describe('open loop', () => {
  test('sends at the rate and counts statuses', async () => {
    let served = 0;
    const url = await serve((_request, response) => response.writeHead(served++ % 4 === 0 ? 503 : 202).end('{}'));
    const outcomes = new Outcomes({ warmupSeconds: 0, windowSeconds: 1 });
    await runOpenLoop({ url, apiKey: 'key' }, plan(200, 0.5), outcomes);
    const { all, errors } = outcomes.result();
    expect(all.statuses).toEqual({ 202: 75, 503: 25 });
    expect(errors).toBe(25);
  });

  test('counts a stall for every request that was due in it, not for the few that were under way', async () => {
    const stallMs = 400;
    let stalledUntil = 0;
    const url = await serve((_request, response) => {
      stalledUntil ||= performance.now() + stallMs;
      setTimeout(() => response.writeHead(202).end('{}'), Math.max(0, stalledUntil - performance.now()));
    });
    const outcomes = new Outcomes({ warmupSeconds: 0, windowSeconds: 1 });
    await runOpenLoop({ url, apiKey: 'key' }, plan(200, 0.8, 2), outcomes);
    const { all } = outcomes.result();
    expect(all.answered).toBe(160);
    // Half of the requests fell into the stall. A closed loop of two clients would have seen it twice.
    expect(all.latencyMs.p90).toBeGreaterThan(stallMs / 2);
  });

  test('says why there was no answer', async () => {
    const url = await serve((request) => request.socket.destroy());
    const outcomes = new Outcomes({ warmupSeconds: 0, windowSeconds: 1 });
    await runOpenLoop({ url, apiKey: 'key' }, plan(50, 0.2), outcomes);
    expect(outcomes.result()).toMatchObject({ errors: 10, unanswered: { ECONNRESET: 10 } });
  });
});
