import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { costOfSubscription } from '../cost/request-cost.ts';
import { admitTenant } from '../http/tenant.ts';
import type { ApiEnv } from '../http/api-env.ts';
import { commonErrors, needsScope, problems } from '../http/openapi.ts';
import { withTenantSlot, type ReadLimiter } from '../http/tenant-slot.ts';
import { validationHook } from '../http/validation-hook.ts';
import type { EventFeed } from './event-feed.ts';
import { eventHeadersSchema, eventQuerySchema, eventStreamSchema } from './event.schemas.ts';
import { eventStream } from './event-stream.ts';

export interface EventRoutesDeps {
  readonly feed: Pick<EventFeed, 'subscribe'>;
  readonly limiter: ReadLimiter;
  readonly heartbeatMs: number;
}

const description = `Server-sent events, one for each message: \`message.updated\`, \`message.embedded\`, \`message.failed\`,
\`message.archived\`, \`message.deleted\`, with \`message_id\`, \`tenant_id\` and \`at\` as data. Published once the change is durable, at least once,
in an order that is the same for every reader. A client that comes back with \`Last-Event-ID\` misses nothing while the log reaches
back that far (an hour by default); when it does not, the first event is \`reset\`: read again what you need to know.`;

/** What happens to messages, as a stream. */
export function eventRoutes({ feed, limiter, heartbeatMs }: EventRoutesDeps) {
  const stream = createRoute({
    method: 'get',
    path: '/v1/events',
    operationId: 'streamEvents',
    tags: ['events'],
    ...needsScope('events'),
    summary: 'Follow what happens to messages',
    description,
    request: { query: eventQuerySchema, headers: eventHeadersSchema },
    responses: {
      200: {
        description: 'The stream; it does not end by itself.',
        content: { 'text/event-stream': { schema: eventStreamSchema } },
      },
      ...problems(...commonErrors),
    },
  });

  return new OpenAPIHono<ApiEnv>({ defaultHook: validationHook }).openapi(stream, async (c) => {
    const query = c.req.valid('query');
    const tenantId = await admitTenant(c, query.tenant_id, { in: 'query', pointer: '/tenant_id' });
    const headers = {
      'content-type': 'text/event-stream',
      // A stream holds its connection to the end; closed with it, it does not hold up a shutdown.
      connection: 'close',
      // Proxies that buffer answers would hold events back (nginx).
      'x-accel-buffering': 'no',
    };
    // Hono answers HEAD as GET and leaves the body out: a stream that nobody reads would be kept.
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const tenant = await c.get('tenants').admit(tenantId, 'read');
    const subscription = await withTenantSlot(c, { limiter, tenantId, cost: costOfSubscription }, () =>
      feed.subscribe({
        tenantId,
        keyId: c.get('caller').keyId,
        maxOfTenant: tenant?.maxStreams,
        types: query.types,
        after: c.req.valid('header')['last-event-id'],
        signal: c.get('signal')(),
      }),
    );
    return c.body(eventStream({ subscription, heartbeatMs }), 200, headers);
  });
}
