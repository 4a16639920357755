import { describe } from 'vitest';
import { describeIsolation } from '../isolation/isolation-suite.ts';
import { serversAreGiven, useGivenServers } from './servers.ts';
import { createStack } from './stack.ts';

describe.skipIf(!serversAreGiven)('services', () => {
  describeIsolation('services on PostgreSQL and Redis', async (env) => {
    const stack = await createStack(await useGivenServers());
    const { api, all } = await stack.startAll(env);
    return { url: api.url, output: () => all.map((service) => service.output()), stop: () => stack.close() };
  });
});
